// An idle worker: how long it stays, by its owner's times or by what it is worth; and a start before a call that is expected.
#include <algorithm>

#include "control/keep_policy.h"
#include "control/scale_policy.h"
#include "control/stepping.h"

namespace ebb::control {

namespace {

// Until a start was seen.
constexpr seconds kStartTakes{1};
// What a parked worker of a model saves by being ready.
constexpr milliseconds kWakeTakes{5};
// A start is over before it is needed.
constexpr int kStartsEarlier = 2;

nanoseconds start_takes(const EndpointState& endpoint) { return endpoint.start_takes.count() > 0 ? endpoint.start_takes : nanoseconds(kStartTakes); }

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
  const Hold hold = hold_at(endpoint.demand.gaps.of(rank), state.gaps.of(rank), stake_of(state, endpoint, worker), age);
  if (!hold.held) return {.step = IdleStep::kGo};
  const MonoTime next = hold.until == nanoseconds::max() ? MonoTime::max() : now + (hold.until - age);
  return {.step = IdleStep::kStay, .next = std::max(next, now + seconds(1))};
}

}  // namespace

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
  return worth_of(endpoint.demand.gaps.of(rank), state.gaps.of(rank), stake_of(state, endpoint, worker), endpoint.demand.idle_for(rank, worker.ready_at, now));
}

namespace {

bool serves(const State& state, const EndpointState& endpoint) {
  return std::ranges::any_of(endpoint.live, [&](WorkerId id) { return !is_prepared(state.workers.at(id)); });
}

Stake stake_of_next(const State& state, const EndpointState& endpoint) {
  const uint64_t bytes = endpoint.measured_bytes.value_or(endpoint.revision.by_instances() ? endpoint.revision.slot_bytes() : domain::kWorkerBaseBytes);
  const uint64_t weights = endpoint.revision.weights_bytes();
  return {.bytes = std::max(bytes > weights ? bytes - weights : 0, domain::kInstanceBaseBytes),
          .saves = start_takes(endpoint),
          .worth_byte_seconds = state.node.worth_byte_seconds};
}

// What the memory of one would cost if a call held it.
Money price_of(const State& state, const EndpointState& endpoint, nanoseconds time) {
  const domain::Use held{.mib_ms = domain::mib_milliseconds(domain::billed_milliseconds(time), endpoint.revision.memory_mib)};
  return {list_cost_of(state.price_lists.at(state.prices), domain::Tier::kWarm, held)};
}

// Ready by the time when holding it pays again.
MonoTime start_for(const EndpointState& endpoint, MonoTime idle_since, nanoseconds pays_from) {
  return idle_since + pays_from - kStartsEarlier * start_takes(endpoint);
}

// By what is prepared, where something is.
void start_ahead(Stepping& s, EndpointState& endpoint, Inputs inputs) {
  const int slots = endpoint.revision.by_instances() ? endpoint.revision.calls_per_instance : 1;
  if (!endpoint.live.empty() && s.state.workers.at(*endpoint.live.begin()).phase == WorkerPhase::kParked)
    wake_worker(s, *endpoint.live.begin(), s.state.workers.at(*endpoint.live.begin()), slots, std::move(inputs));
  else
    start_worker(s, endpoint, slots, std::move(inputs));
}

}  // namespace

void expect_next(Stepping& s, EndpointState& endpoint) {
  if (serves(s.state, endpoint)) return;
  const nanoseconds age = endpoint.demand.idle_for(0, s.now, s.now);
  const Hold hold = hold_at(endpoint.demand.gaps.of(0), s.state.gaps.of(0), stake_of_next(s.state, endpoint), age);
  if (hold.start == nanoseconds::max()) return;
  const MonoTime at = start_for(endpoint, s.now - age, hold.start);
  expect(s.state, endpoint.revision.spec.name, endpoint, std::max(at, s.now + seconds(1)));
}

void start_expected(Stepping& s) {
  while (!s.state.due_endpoints.empty() && s.state.due_endpoints.begin()->first <= s.now) {
    EndpointState& endpoint = s.state.endpoints.at(s.state.due_endpoints.begin()->second);
    expect(s.state, endpoint.revision.spec.name, endpoint, MonoTime::max());
    const bool wanted = !serves(s.state, endpoint) && endpoint.waiting.empty() && !s.state.draining && s.now >= endpoint.backoff_until;
    if (!wanted) continue;
    const nanoseconds age = endpoint.demand.idle_for(0, s.now, s.now);
    const nanoseconds then = age + kStartsEarlier * start_takes(endpoint);
    const Hold hold = hold_at(endpoint.demand.gaps.of(0), s.state.gaps.of(0), stake_of_next(s.state, endpoint), then);
    if (hold.start > then) continue;                                                                    // it was learned since that this is not the time
    if (slots_that_fit(need_of(s.state, endpoint), room_bytes(memory_now(s.state)), 1) == 0) continue;  // nothing is given up for what may not come
    Inputs inputs{{"silent for", age}, {"chance", Chance{hold.chance}}, {"saves", start_takes(endpoint)}};
    if (hold.until != nanoseconds::max()) {
      inputs.emplace_back("expected within", hold.until - age);
      inputs.emplace_back("its memory until then costs", price_of(s.state, endpoint, hold.until - age));
    }
    start_ahead(s, endpoint, std::move(inputs));
  }
}

}  // namespace ebb::control
