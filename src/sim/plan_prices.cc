// Price lists that come into force while calls run, with steps and amounts that a world uses up; and limits by rate that its clients run into.
#include <algorithm>

#include "sim/plan.h"
#include "sim/random.h"

namespace ebb::sim {

namespace {

enum : uint64_t { kOfPrices = 24, kOfRate };

domain::RunPrices run_prices(Random& random) {
  domain::RunPrices prices{};
  for (domain::Pico& price : prices)
    price = random.between(0, 100'000'000);
  return prices;
}

// Some seconds of a worker's memory.
int64_t some_use(Random& random) { return random.between(0, 20'000) * random.between(64, 2'048); }

domain::PriceList make_list(Random& random, int64_t version, WallTime from) {
  domain::PriceList list{.version = version, .from = from};
  list.steps = {{.per_gib_second = run_prices(random)}};
  for (uint64_t steps = random.below(4); steps > 0; --steps)
    list.steps.push_back({.from_mib_ms = list.steps.back().from_mib_ms + 1 + some_use(random), .per_gib_second = run_prices(random)});
  list.init_per_gib_second = random.between(0, 50'000'000);
  list.per_call = random.between(0, 1'000'000);
  if (random.one_in(2)) list.per_prompt_token = random.between(0, 1'000'000);
  if (random.one_in(2)) list.per_completion_token = random.between(0, 1'000'000);
  if (random.one_in(2))
    list.free = {
        .mib_ms = some_use(random), .calls = random.between(0, 50), .prompt_tokens = random.between(0, 200), .completion_tokens = random.between(0, 200)};
  return list;
}

void add_lists(Plan& plan, Random& random) {
  WallTime from = plan.wall - std::chrono::hours(1);
  nanoseconds set_at{0};
  const auto lists = static_cast<int64_t>(random.between(1, 3));
  for (int64_t version = 1; version <= lists; ++version) {
    from += std::chrono::ceil<milliseconds>(version == 1 && random.one_in(2) ? nanoseconds(std::chrono::minutes(1))
                                                                             : std::chrono::hours(1) + random.between(nanoseconds(0), plan.faults_for / 2));
    plan.prices.push_back({.list = make_list(random, version, from), .set_at = set_at});
    set_at += random.between(nanoseconds(0), plan.faults_for / 3);
  }
}

RatePlan make_rate(const Plan& plan, Random& random) {
  const ClientPlan& client = plan.clients[random.below(plan.clients.size())];
  RatePlan made;
  domain::RateLimit& limit = made.limit;
  limit.whose = client.tenant.empty() ? domain::BudgetOf::kEndpoint : random.one_in(2) ? domain::BudgetOf::kTenant : domain::BudgetOf::kEndpoint;
  limit.name = limit.whose == domain::BudgetOf::kTenant ? client.tenant : client.endpoint;
  limit.of = domain::kRatesOf[random.below(domain::kRatesOf.size())];
  if (limit.of != domain::RateOf::kConcurrency) limit.per = random.one_in(2) ? nanoseconds(seconds(1)) : nanoseconds(std::chrono::minutes(1));
  limit.amount = limit.of == domain::RateOf::kSpending ? random.between(1, 1'000'000'000) : random.between(1, 60);
  made.set_at = random.one_in(2) ? nanoseconds(0) : random.between(nanoseconds(0), plan.faults_for / 2);
  if (random.one_in(3)) made.removed_at = made.set_at + random.between(nanoseconds(0), plan.faults_for / 2);
  return made;
}

}  // namespace

void add_prices(Plan& plan) {
  Random random{plan.seed, kOfPrices};
  if (random.one_in(2)) add_lists(plan, random);
  if (random.one_in(2)) plan.used_before = {.mib_ms = some_use(random), .calls = random.between(0, 30), .prompt_tokens = random.between(0, 100)};
  Random rates{plan.seed, kOfRate};
  if (plan.clients.empty() || rates.one_in(2)) return;
  for (uint64_t more = rates.between(1, 3); more > 0; --more)
    plan.rates.push_back(make_rate(plan, rates));
}

}  // namespace ebb::sim
