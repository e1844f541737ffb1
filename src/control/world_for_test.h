// A world in virtual time for tests of the core: does what actions say, at once or when the test says so, and keeps the books.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "control/core.h"
#include "control/view.h"

namespace ebb::control {

struct World {
  explicit World(NodeConfig config = default_config()) : state(std::move(config)) {}

  static NodeConfig default_config() { return {.memory_limit_bytes = 8ULL << 30U, .memory_reserve_bytes = 256ULL << 20U, .cores = 2, .first_worker_id = 1}; }

  void deploy(const std::string& name, domain::Scaling scaling = {}, domain::CallLimits limits = {}, uint64_t weights_bytes = 100ULL << 20U,
              domain::Priority priority = domain::Priority::kNormal) {
    domain::Model model{.name = "m-" + name, .version = 1};
    model.digest.bytes[0] = static_cast<uint8_t>(name.back());
    model.facts = {.weights_bytes = weights_bytes, .train_context = 2048, .kv_bytes_per_token = 16 * 1024};
    domain::EndpointSpec spec{.name = name, .model = domain::ModelRef{.name = model.name}, .scaling = scaling, .limits = limits, .priority = priority};
    const auto revision = domain::make_revision(RevisionId{next_revision++}, spec, model, WallTime{});
    ASSERT_TRUE(revision);
    feed(RevisionDeployed{*revision});
  }

  // Of a function: each instance takes `calls` at once.
  void deploy_function(const std::string& name, int calls, domain::Scaling scaling = {}, domain::CallLimits limits = {}, int64_t memory_mib = 128) {
    domain::EndpointSpec spec{.name = name, .engine = domain::Engine::kContainer, .memory_mib = memory_mib, .scaling = scaling, .limits = limits};
    auto revision = domain::make_revision(RevisionId{next_revision++}, spec, std::nullopt, WallTime{});
    ASSERT_TRUE(revision);
    revision->calls_per_instance = calls;
    feed(RevisionDeployed{*revision});
  }
  std::vector<WorkerId> in_phase(WorkerPhase phase) const {
    std::vector<WorkerId> found;
    for (const auto& [id, worker] : state.workers)
      if (worker.phase == phase && !worker.killed) found.push_back(id);
    return found;
  }

  CallId call(const std::string& endpoint, MonoTime deadline = MonoTime::max()) {
    const CallId id{next_call++};
    feed(CallArrived{.call = id, .endpoint = endpoint, .deadline = deadline, .wall = WallTime{}});
    if (!errors.contains(id) || records.contains(id)) accepted.insert(id);
    return id;
  }

  CallId call_as(const std::string& endpoint, std::optional<domain::Priority> priority, const std::string& tenant = {}) {
    const CallId id{next_call++};
    tenant_of[id] = tenant;
    feed(CallArrived{.call = id, .endpoint = endpoint, .deadline = MonoTime::max(), .wall = WallTime{}, .priority = priority, .tenant = tenant});
    if (!errors.contains(id) || records.contains(id)) accepted.insert(id);
    return id;
  }

  void feed(const Event& event) {
    const Actions actions = step(state, event, now, rng);
    for (const Action& action : actions)
      std::visit([this](const auto& act) { take(act); }, action.act);
    const auto broken = broken_invariants(state);
    ASSERT_TRUE(broken.empty()) << broken.front();
  }

  // Passes time, and wakes the core when it asked for it.
  void pass(nanoseconds by) {
    const MonoTime end = now + by;
    while (wake <= end) {
      now = std::max(now, wake);
      wake = MonoTime::max();
      feed(TimeReached{});
    }
    now = end;
  }

  void ready(WorkerId worker, int slots) { feed(WorkerReady{.worker = worker, .slots = slots}); }
  void finish(CallId id, domain::Outcome outcome = domain::Outcome::kOk) {
    running.erase(id);
    feed(CallEnded{.call = id, .outcome = outcome, .prompt_tokens = 5, .completion_tokens = 3});
  }
  void die(WorkerId worker, std::string reason = "signal 9", std::optional<Error> error = std::nullopt) {
    expect_bills_add_up(worker);
    std::erase_if(running, [&](const auto& r) { return r.second == worker; });
    feed(WorkerDied{.worker = worker, .reason = std::move(reason), .error = std::move(error)});
  }
  std::string state_of(const std::string& endpoint) const { return std::string(summary_of(state, endpoint)->state); }
  WorkerId only_worker() const { return state.workers.size() == 1 ? state.workers.begin()->first : WorkerId{}; }

  // What the actions said.
  void take(const StartWorker& a) {
    starts.push_back(a);
    threads[a.worker] = a.threads;
  }
  void take(const Park& a) { parks.push_back(a.worker); }
  void take(const Unpark& a) { unparks.push_back(a); }
  void take(const Resize& a) { resizes.push_back(a); }
  void take(const SetThreads& a) { threads[a.worker] = a.threads; }
  void take(const KillWorker& a) {
    kills.push_back(a.worker);
    graces.push_back(a.grace);
  }
  void take(const Dispatch& a) {
    EXPECT_FALSE(running.contains(a.call)) << "a call may run in one slot only";
    running[a.call] = a.worker;
    dispatches.push_back(a);
    ran_on[a.call] = a.worker;
  }
  void take(const HoldCall& a) {
    EXPECT_EQ(running.erase(a.call), 1U) << "only what runs is held";
    held.push_back(a.call);
  }
  void take(const ResumeCall& a) {
    EXPECT_TRUE(running.emplace(a.call, a.worker).second);
    resumed.push_back(a.call);
  }
  void take(const CancelCall& a) { cancels.push_back(a.call); }
  void take(const AnswerError& a) { errors[a.call] = a.error; }
  void take(const RecordUsage& a) {
    EXPECT_TRUE(records.emplace(a.record.call, a.record).second) << "one usage record for each call";
    if (const auto on = ran_on.find(a.record.call); on != ran_on.end()) billed[on->second] += a.record.busy;
  }
  void take(const RecordInit& a) { inits.push_back(a.record); }
  // Holds for a worker that runs nothing: what died with calls in it was metered for nobody.
  void expect_bills_add_up(WorkerId id) {
    const auto found = state.workers.find(id);
    if (found == state.workers.end() || !found->second.running.empty()) return;
    EXPECT_EQ(billed[id], found->second.meter.busy_total());
  }
  void take(const WakeAt& a) { wake = a.at; }
  void take(const Drained&) { drained = true; }

  State state;
  Rng rng{1};
  MonoTime now{seconds(1000)};
  MonoTime wake{MonoTime::max()};
  uint64_t next_call = 1;
  uint64_t next_revision = 1;

  std::vector<StartWorker> starts;
  std::vector<WorkerId> parks;
  std::vector<Unpark> unparks;
  std::vector<Resize> resizes;
  std::vector<WorkerId> kills;
  std::vector<milliseconds> graces;  // of each
  std::vector<Dispatch> dispatches;
  std::vector<CallId> held;     // whenever one was
  std::vector<CallId> resumed;  // likewise
  std::vector<CallId> cancels;
  std::map<CallId, std::string> tenant_of;
  std::map<WorkerId, int> threads;
  std::map<CallId, WorkerId> running;
  std::map<CallId, WorkerId> ran_on;       // also after its end: where it ran last
  std::map<WorkerId, nanoseconds> billed;  // by the records of the calls that ran in it last
  std::map<CallId, Error> errors;
  std::map<CallId, domain::UsageRecord> records;
  std::vector<domain::UsageRecord> inits;
  std::set<CallId> accepted;
  bool drained = false;
};

}  // namespace ebb::control
