// Calls that stand back for others in the middle of their answer: a call of class batch gives its slot to one of a higher class and goes on later where it was.
//
//   running ─► hold_for ─► held, its memory kept ─► resume: a slot is free and nobody of a higher class waits; or it was held for limits.wait already
//
// What is held takes its slot's memory besides. It is not held for longer than a waiting call may wait, all its holds together: then the next free slot is
// its own, whoever waits, and it keeps it. So batch makes progress whatever else comes.
#include <algorithm>

#include "base/check.h"
#include "control/stepping.h"

namespace ebb::control {

namespace {

milliseconds hold_max(const State& state, const CallState& call) { return state.revisions.at(call.revision).spec.limits.wait; }

nanoseconds held_until(const CallState& call, MonoTime now) { return call.held + (call.held_since ? now - *call.held_since : nanoseconds(0)); }

// The one that began last: the others are nearer to their end.
std::optional<CallId> to_hold(const State& state, const WorkerState& worker) {
  std::optional<CallId> chosen;
  for (const CallId id : worker.running) {
    const CallState& call = state.calls.at(id);
    const bool may = call.priority == domain::Priority::kBatch && !call.cancelled && call.held < hold_max(state, call);
    if (may && (!chosen || call.dispatched >= state.calls.at(*chosen).dispatched)) chosen = id;
  }
  return chosen;
}

}  // namespace

int free_slots(const WorkerState& worker) { return std::min(worker.slots, worker.at_once.most) - static_cast<int>(worker.running.size()); }

std::optional<CallId> to_resume(const State& state, const WorkerState& worker, std::optional<domain::Priority> waiting, MonoTime now) {
  std::optional<CallId> first;
  for (const CallId id : worker.held) {
    const CallState& call = state.calls.at(id);
    const bool turn = !waiting || !higher(*waiting, call.priority) || held_until(call, now) >= hold_max(state, call);
    if (!call.cancelled && turn && (!first || call.dispatched < state.calls.at(*first).dispatched)) first = id;
  }
  return first;
}

bool hold_for(Stepping& s, const EndpointState& endpoint, WorkerId id, domain::Priority waiting) {
  WorkerState& worker = s.state.workers.at(id);
  const domain::Engine engine = endpoint.revision.spec.engine;
  if (waiting == domain::Priority::kBatch || !domain::can_hold(engine)) return false;
  if (std::cmp_greater_equal(static_cast<size_t>(worker.slots) + worker.held.size(), domain::slots_max(engine))) return false;
  const uint64_t slot = endpoint.revision.slot_bytes();
  const std::optional<CallId> chosen = room_bytes(memory_now(s.state)) < slot ? std::nullopt : to_hold(s.state, worker);
  if (!chosen) return false;
  CallState& call = s.state.calls.at(*chosen);
  call.ran += worker.meter.finished(*chosen, s.now);
  call.held_since = s.now;
  worker.running.erase(*chosen);
  worker.held.insert(*chosen);
  worker.admitted_bytes = bytes_of(worker) + slot;
  worker.measured = false;
  const domain::CallLimits& limits = endpoint.revision.spec.limits;
  set_due(s.state, *chosen, call, std::min(call.deadline, s.now + limits.wait + limits.time));
  const DecisionId why = s.decide({.what = "hold",
                                   .endpoint = call.endpoint,
                                   .because = "a call of a higher class waits for a slot: this one goes on later where it is",
                                   .call = *chosen,
                                   .worker = id,
                                   .inputs = {{"class", Text(to_string(call.priority))}, {"waits", Text(to_string(waiting))}, {"ran for", call.ran}}});
  s.act(HoldCall{.call = *chosen, .worker = id}, why);
  s.memory_moved = true;
  s.touch(id);
  return true;
}

void resume(Stepping& s, CallId id) {
  CallState& call = s.state.calls.at(id);
  WorkerState& worker = s.state.workers.at(call.worker);
  EBB_CHECK(free_slots(worker) > 0);
  const nanoseconds stood = s.now - *call.held_since;
  call.held += stood;
  call.held_since.reset();
  worker.held.erase(id);
  if (worker.running.empty()) worker.progress = s.now;
  worker.running.insert(id);
  worker.meter.dispatched(id, s.now);
  set_due(s.state, id, call, std::min(call.deadline, call.dispatched + call.held + s.state.revisions.at(call.revision).spec.limits.time));
  const DecisionId why = s.decide({.what = "resume",
                                   .endpoint = call.endpoint,
                                   .because = call.held < hold_max(s.state, call) ? Text("a slot is free, and nobody of a higher class waits")
                                                                                  : Text("a slot is free, and it was held for as long as a call may wait"),
                                   .call = id,
                                   .worker = call.worker,
                                   .inputs = {{"held for", stood}}});
  s.act(ResumeCall{.call = id, .worker = call.worker}, why);
  s.touch(call.worker);
}

}  // namespace ebb::control
