// Budgets that are soon used up: some by a few calls at once, some by many one after the other.
#include <algorithm>
#include <limits>

#include "control/spending_policy.h"
#include "sim/plan.h"
#include "sim/random.h"

namespace ebb::sim {

namespace {

enum : uint64_t { kOfMoney = 20, kOfBudget };

// What a call of it may cost, and what one costs as a rule.
struct Costs {
  domain::Pico worst = 0;
  domain::Pico usual = 0;
};
Costs costs_of(const Plan& plan, const std::string& endpoint) {
  const auto found = std::ranges::find(plan.endpoints, endpoint, &EndpointPlan::name);
  const EndpointPlan& of = found == plan.endpoints.end() ? plan.endpoints.front() : *found;
  const domain::Revision revision = revision_of(of, RevisionId{1});
  const domain::Use usual{.mib_ms = domain::mib_milliseconds(domain::billed_milliseconds(of.service), revision.memory_mib), .calls = 1};
  return {.worst = worst_cost_of(plan.config.prices, control::worst_use(revision, nanoseconds::max(), {})),
          .usual = list_cost_of(plan.config.prices, domain::Tier::kWarm, usual)};
}

domain::Pico amount_of(Random& random, const Costs& costs) {
  if (random.one_in(16)) return static_cast<domain::Pico>(random.below(2));
  if (random.one_in(16)) return std::numeric_limits<domain::Pico>::max();
  if (random.one_in(2)) return costs.worst * random.between(1, 20) - static_cast<domain::Pico>(random.below(2));
  return costs.worst + costs.usual * random.between(1, 200);
}

BudgetPlan make_budget(const Plan& plan, int index) {
  Random random{plan.seed, kOfBudget, static_cast<uint64_t>(index)};
  const ClientPlan& client = plan.clients[random.below(plan.clients.size())];
  const Costs costs = costs_of(plan, client.endpoint);
  BudgetPlan made;
  domain::Budget& budget = made.budget;
  budget.id = domain::BudgetId{static_cast<uint64_t>(index) + 1};
  budget.of = domain::kBudgetsOf[random.below(domain::kBudgetsOf.size())];
  // Who has no tenant or key has no budget for it.
  if (budget.of == domain::BudgetOf::kTenant && client.tenant.empty()) budget.of = domain::BudgetOf::kKey;
  if (budget.of == domain::BudgetOf::kKey && client.key.empty()) budget.of = domain::BudgetOf::kEndpoint;
  budget.name = budget.of == domain::BudgetOf::kTenant ? client.tenant : budget.of == domain::BudgetOf::kKey ? client.key : client.endpoint;
  budget.period = domain::kPeriods[random.below(domain::kPeriods.size())];
  budget.amount = amount_of(random, costs);
  budget.hard = !random.one_in(6);
  if (random.one_in(2)) made.set_at = random.between(nanoseconds(0), plan.faults_for / 2);
  if (random.one_in(2)) made.known_after = random.between(nanoseconds(1), random.one_in(6) ? plan.faults_for / 2 : seconds(2));
  if (random.one_in(3)) made.before = random.between(0, costs.worst);
  if (random.one_in(2)) {
    made.changes_at = made.set_at + random.between(nanoseconds(0), plan.faults_for / 2);
    made.then_amount = amount_of(random, costs);
    made.then_hard = !random.one_in(6);
  }
  if (random.one_in(4)) {
    made.removed_at = made.set_at + random.between(nanoseconds(0), plan.faults_for / 2);
    if (random.one_in(2)) made.returns_at = *made.removed_at + random.between(nanoseconds(0), seconds(5));
  }
  return made;
}

// Shortly before an hour, a day or a month is over.
WallTime shortly_before(Random& random, nanoseconds faults_for) {
  WallTime end{std::chrono::days(20'000)};  // the fourth of October 2024
  switch (random.below(3)) {
    case 0: end += std::chrono::hours(random.between(1, 23)); break;
    case 1: end += std::chrono::days(random.between(1, 27)); break;
    default: end += std::chrono::days(28); break;  // November begins
  }
  return end - std::chrono::ceil<milliseconds>(random.between(nanoseconds(1), faults_for));
}

}  // namespace

void add_budgets(Plan& plan) {
  Random random{plan.seed, kOfMoney};
  if (std::ranges::all_of(plan.clients, &std::string::empty, &ClientPlan::tenant) || random.one_in(2)) return;
  const auto budgets = static_cast<int>(random.between(1, 5));
  for (int i = 0; i < budgets; ++i)
    plan.budgets.push_back(make_budget(plan, i));
  if (!random.one_in(3)) plan.wall = shortly_before(random, plan.faults_for);
  // What matters most to money: a period that comes and goes, and calls that last longer than they may.
  if (random.one_in(4)) plan.faults.add(Fault::kWall);
  if (random.one_in(3)) {
    plan.faults.add(Fault::kHang);
    plan.faults.add(Fault::kIgnoreCancel);
  }
  for (ClientPlan& client : plan.clients) {
    if (!random.one_in(4)) continue;
    client.max_cost_percent = static_cast<int>(random.between(1, 30));
    const domain::Pico worst = costs_of(plan, client.endpoint).worst;
    client.max_cost = random.one_in(4) ? worst - static_cast<domain::Pico>(random.below(2)) : random.between(worst / 4, worst * 2);
  }
}

}  // namespace ebb::sim
