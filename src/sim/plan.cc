// A world from its seed.
#include "sim/plan.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "sim/random.h"

namespace ebb::sim {

namespace {

enum : uint64_t { kOfWorld = 1, kOfEndpoint, kOfClient };

EndpointPlan make_endpoint(uint64_t seed, int index) {
  Random random{seed, kOfEndpoint, static_cast<uint64_t>(index)};
  EndpointPlan plan{.seed = random.next(), .name = std::string(1, static_cast<char>('a' + index))};
  plan.serves = static_cast<Serves>(random.below(3));
  plan.scaling.min = random.one_in(4) ? static_cast<int>(random.between(1, 3)) : 0;
  plan.scaling.max = std::max(static_cast<int>(random.between(1, random.one_in(3) ? 32 : 6)), plan.scaling.min);
  if (random.one_in(4)) plan.scaling.target_percent = static_cast<int>(random.between(domain::kTargetPercentMin, 90));
  if (random.one_in(4)) plan.priority = domain::kPriorities[random.below(domain::kPriorities.size())];
  plan.scaling.idle = milliseconds(random.between(50, 5'000));
  plan.scaling.keep = milliseconds(random.between(100, 20'000));
  plan.limits.queue = static_cast<int>(random.one_in(6) ? random.between(1, 3) : random.between(4, 40));
  plan.limits.wait = milliseconds(random.between(500, 30'000));
  plan.limits.time = milliseconds(random.between(500, 40'000));
  plan.load = random.between(milliseconds(5), milliseconds(2'500));
  plan.service = random.between(milliseconds(2), milliseconds(1'500));
  if (plan.serves == Serves::kText) plan.weights_bytes = static_cast<uint64_t>(random.between(40, 600)) << 20U;
  if (plan.serves == Serves::kFunction) {
    plan.calls_per_instance = static_cast<int>(random.one_in(2) ? 1 : random.between(2, 10));
    plan.memory_mib = random.between(32, 300);
    plan.scaling.max = std::min(plan.scaling.max, 8);
  }
  return plan;
}

ClientPlan make_client(uint64_t seed, int index, const std::vector<EndpointPlan>& endpoints) {
  Random random{seed, kOfClient, static_cast<uint64_t>(index)};
  const EndpointPlan& endpoint = endpoints[random.below(endpoints.size())];
  ClientPlan plan{.seed = random.next(), .endpoint = endpoint.name, .rhythm = static_cast<Rhythm>(random.below(3))};
  if (random.one_in(20)) plan.endpoint = "nowhere";
  plan.burst = plan.rhythm == Rhythm::kBursts ? static_cast<int>(random.between(2, 60)) : 1;
  plan.every = random.between(endpoint.service / 4, endpoint.service * 4) * plan.burst;
  plan.every += random.between(milliseconds(1), milliseconds(random.one_in(2) ? 20 : 1'000));
  if (plan.rhythm == Rhythm::kBursts && random.one_in(2)) plan.every += seconds(random.between(5, 30));  // so that all falls asleep between two
  plan.leaves_percent = random.one_in(2) ? static_cast<int>(random.between(1, 60)) : 0;
  plan.deadline_percent = random.one_in(2) ? static_cast<int>(random.between(1, 60)) : 0;
  plan.retries = random.one_in(3);
  if (random.one_in(2)) plan.priority = domain::kPriorities[random.below(domain::kPriorities.size())];
  if (random.one_in(2)) plan.tenant = std::string(1, static_cast<char>('a' + random.below(4)));
  if (random.one_in(2)) plan.key = std::string(1, static_cast<char>('k' + random.below(3)));
  return plan;
}

// Those that are kept ready and the largest other fit together, with what faults add: then every endpoint can be served in the end.
uint64_t memory_for(const std::vector<EndpointPlan>& endpoints) {
  uint64_t kept = 0;
  uint64_t largest = 0;
  for (const EndpointPlan& endpoint : endpoints) {
    const domain::Revision revision = revision_of(endpoint, RevisionId{1});
    const int min = endpoint.scaling.min;
    const uint64_t one = bytes_with(revision, std::max(min, 1));
    largest = std::max(largest, one);
    if (min > 0) kept += revision.by_instances() ? one * static_cast<uint64_t>(min) : one;
  }
  return (kept + largest) * 3 / 2;
}

}  // namespace

std::string_view to_string(Fault fault) {
  static constexpr std::array<std::string_view, kFaults> kNames{"slow-load", "hang",      "crash-at-start", "crash-idle", "crash-running", "poison",
                                                                "lie-ready", "lie-calls", "ignore-cancel",  "refuse",     "memory",        "store",
                                                                "available", "cores",     "deploy",         "remove",     "stall",         "wall"};
  return kNames.at(static_cast<size_t>(fault));
}

domain::Revision revision_of(const EndpointPlan& plan, RevisionId id) {
  domain::EndpointSpec spec{.name = plan.name, .engine = domain::Engine::kEcho, .scaling = plan.scaling, .limits = plan.limits, .priority = plan.priority};
  std::optional<domain::Model> model;
  if (plan.serves == Serves::kText) {
    model = domain::Model{.name = "m-" + plan.name, .version = 1};
    model->digest.bytes[0] = static_cast<uint8_t>(plan.name.back());
    model->facts = {.weights_bytes = plan.weights_bytes, .train_context = 2048, .kv_bytes_per_token = 8 * 1024};
    spec.engine = domain::Engine::kLlama;
    spec.model = domain::ModelRef{.name = model->name};
  }
  if (plan.serves == Serves::kFunction) {
    spec.engine = domain::Engine::kContainer;
    spec.memory_mib = plan.memory_mib;
  }
  auto revision = domain::make_revision(id, std::move(spec), std::move(model), WallTime{});
  EBB_CHECK(revision.has_value());
  revision->calls_per_instance = plan.calls_per_instance;
  return *revision;
}

uint64_t bytes_with(const domain::Revision& revision, int slots) {
  if (revision.by_instances()) return domain::kInstanceBaseBytes + revision.slot_bytes();
  return revision.weights_bytes() + domain::kWorkerBaseBytes + static_cast<uint64_t>(slots) * revision.slot_bytes();
}

Plan make_plan(uint64_t seed, nanoseconds faults_for) {
  Random random{seed, kOfWorld};
  Plan plan{.seed = seed, .config = {}, .faults_for = faults_for};
  if (!random.one_in(8)) {
    plan.faults.bits = static_cast<uint32_t>(random.next());
    plan.faults.bits &= static_cast<uint32_t>(random.next());
    plan.faults.bits |= 1U << random.below(kFaults);  // one at least
  }
  plan.faults.bits &= (1U << kFaults) - 1;
  const int endpoints = static_cast<int>(random.between(1, 6));
  for (int i = 0; i < endpoints; ++i)
    plan.endpoints.push_back(make_endpoint(seed, i));
  const int clients = static_cast<int>(random.between(1, 8));
  for (int i = 0; i < clients; ++i)
    plan.clients.push_back(make_client(seed, i, plan.endpoints));
  plan.config.memory_limit_bytes = memory_for(plan.endpoints) + (random.below(2048) << 20U);
  plan.config.memory_reserve_bytes = random.between(0, 256) * (1LL << 20);
  plan.config.cores = static_cast<int>(random.between(1, 8));
  plan.available_bytes = plan.config.memory_limit_bytes + plan.config.memory_reserve_bytes + (random.below(1024) << 20U);
  plan.readings_every = random.between(milliseconds(500), milliseconds(3'000));
  add_budgets(plan);
  add_prices(plan);
  return plan;
}

}  // namespace ebb::sim
