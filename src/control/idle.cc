// An idle worker: how long it stays, by its owner's times or by what it is worth.
#include <algorithm>

#include "control/keep_policy.h"
#include "control/scale_policy.h"
#include "control/stepping.h"

namespace ebb::control {

namespace {

// What a parked worker of a model saves by being ready.
constexpr milliseconds kWakeTakes{5};
// How many instances must be needed at once for this idle one to be used: those that work, then idle ones in the order in which calls take them.
int rank_of(const State& state, const EndpointState& endpoint, WorkerId id, const WorkerState& worker) {
  if (endpoint.live.size() == 1) return 0;
  const auto order = [](WorkerId of, const WorkerState& one) { return std::pair(one.phase != WorkerPhase::kReady, of); };
  int rank = 0;
  for (const WorkerId other : endpoint.live) {
    const WorkerState& one = state.workers.at(other);
    if (is_prepared(one) || other == id) continue;
    rank += !one.running.empty() || order(other, one) < order(id, worker) ? 1 : 0;
  }
  return rank;
}

// Pages of a file that is mapped are the machine's cache: giving up a worker does not give them back.
uint64_t own_bytes(const EndpointState& endpoint, const WorkerState& worker) {
  const uint64_t bytes = bytes_of(worker);
  const uint64_t weights = endpoint.revision.weights_bytes();
  return std::max(bytes > weights ? bytes - weights : 0, domain::kInstanceBaseBytes);
}

Stake stake_of(const State& state, const EndpointState& endpoint, const WorkerState& worker) {
  const bool parks_first = worker.phase == WorkerPhase::kReady && !worker.instance;
  return {.bytes = own_bytes(endpoint, worker),
          .saves = parks_first ? nanoseconds(kWakeTakes) : start_takes(endpoint),
          .worth_byte_seconds = state.node.worth_byte_seconds};
}

IdleChoice by_worth(const State& state, const EndpointState& endpoint, WorkerId id, const WorkerState& worker, MonoTime now) {
  const int rank = rank_of(state, endpoint, id, worker);
  const nanoseconds age = endpoint.demand.idle_for(rank, worker.ready_at, now);
  const Hold hold = hold_at(endpoint.demand.gaps.of(rank), endpoint.demand.others(rank, state.gaps), stake_of(state, endpoint, worker), age);
  if (!hold.held) return {.step = IdleStep::kGo};
  MonoTime next = hold.until == nanoseconds::max() ? MonoTime::max() : now + (hold.until - age);
  if (endpoint.demand.rise.expects(rank, now)) next = std::min(next, endpoint.demand.rise.until);
  return {.step = IdleStep::kStay, .next = std::max(next, now + seconds(1))};
}

}  // namespace

nanoseconds start_takes(const EndpointState& endpoint) {
  constexpr seconds kUntilOneWasSeen{1};
  return endpoint.start_takes.count() > 0 ? endpoint.start_takes : nanoseconds(kUntilOneWasSeen);
}

IdleChoice idle_choice(const State& state, const EndpointState& endpoint, WorkerId id, const WorkerState& worker, MonoTime now) {
  if (is_prepared(worker)) return {};
  domain::Scaling scaling = endpoint.scaling;
  const auto is_ready = [&](WorkerId other) { return state.workers.at(other).phase == WorkerPhase::kReady; };
  // Instances beyond the minimum fall asleep like any other.
  if (worker.instance &&
      (worker.phase != WorkerPhase::kReady || (scaling.min > 0 && std::cmp_greater(std::ranges::count_if(endpoint.live, is_ready), scaling.min))))
    scaling.min = 0;
  const bool parked = worker.phase == WorkerPhase::kParked;
  if (parked && scaling.min == 0 && !scaling.keep) return by_worth(state, endpoint, id, worker, now);
  const IdleChoice choice = idle_step(parked, worker.idle_since, worker.phase_since, scaling, now);
  // An instance that is worth nothing need not freeze first.
  const bool may_go = worker.instance && !parked && scaling.min == 0 && !scaling.keep && !scaling.idle && choice.step == IdleStep::kStay;
  if (!may_go) return choice;
  if (now - worker.idle_since < kHoldLeast) return {.step = IdleStep::kStay, .next = worker.idle_since + kHoldLeast};
  const IdleChoice worth = by_worth(state, endpoint, id, worker, now);
  return {.step = worth.step, .next = std::min(worth.next, choice.next)};
}

double worth_of_keeping(const State& state, const EndpointState& endpoint, WorkerId id, const WorkerState& worker, MonoTime now) {
  const int rank = rank_of(state, endpoint, id, worker);
  return worth_of(endpoint.demand.gaps.of(rank), endpoint.demand.others(rank, state.gaps), stake_of(state, endpoint, worker),
                  endpoint.demand.idle_for(rank, worker.ready_at, now));
}

}  // namespace ebb::control
