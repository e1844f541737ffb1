// What follows from any event: waiting calls get slots or make them appear, idle workers park or go, stuck ones are killed, cores are
// shared, and the next look is asked for. Idempotent: settling twice at the same time does nothing the second time.
// What it costs does not grow with the workers that nothing happened to (indexes.cc).
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "control/core_policy.h"
#include "control/failure_policy.h"
#include "control/scale_policy.h"
#include "control/stepping.h"

namespace ebb::control {

namespace {

bool idle(const WorkerState& worker) { return worker.running.empty() && worker.held.empty() && !worker.killed && !worker.resizing; }

// Whoever waits for memory does not wait for the last words of a function.
void hurry(Stepping& s, const std::string& because) {
  for (auto& [id, worker] : s.state.workers) {
    if (!std::exchange(worker.ends_gently, false)) continue;
    const DecisionId why = s.decide({.what = "end", .endpoint = worker.endpoint, .because = because, .worker = id});
    s.act(KillWorker{.worker = id, .reason = because}, why);
  }
}

// Parks or ends the cheapest idle worker that is not `except`. False: there is none.
bool give_up_one(Stepping& s, const std::string& except, const std::string& because) {
  const std::optional<Victim> victim = cheapest(victims_for(s, except));
  if (victim) give_up(s, *victim, because);
  return victim.has_value();
}

}  // namespace

bool making_room(const State& state) {
  return std::any_of(state.workers.begin(), state.workers.end(), [](const auto& w) { return w.second.killed || w.second.phase == WorkerPhase::kParking; });
}

std::vector<Victim> victims_for(const Stepping& s, const std::string& except) {
  std::vector<Victim> victims;
  for (const auto& [id, worker] : s.state.workers) {
    const bool takes_part = idle(worker) && (worker.phase == WorkerPhase::kReady || worker.phase == WorkerPhase::kParked) && worker.endpoint != except;
    if (!takes_part) continue;
    const auto endpoint = s.state.endpoints.find(worker.endpoint);
    const bool waited_for = endpoint != s.state.endpoints.end() && !endpoint->second.waiting.empty();
    if (waited_for) continue;
    const bool kept = endpoint != s.state.endpoints.end() && endpoint->second.scaling.min > 0;
    const double worth = endpoint == s.state.endpoints.end() ? 0 : worth_of_keeping(s.state, endpoint->second, id, worker, s.now);
    victims.push_back({.worker = id, .worth = worth, .idle_since = worker.idle_since, .kept = kept});
  }
  return victims;
}

bool ends_when_given_up(const WorkerState& worker) { return worker.phase == WorkerPhase::kParked || worker.instance; }

void give_up(Stepping& s, const Victim& victim, const std::string& because) {
  WorkerState& worker = s.state.workers.at(victim.worker);
  if (!ends_when_given_up(worker)) {
    park_worker(s, victim.worker, worker, because);
    return;
  }
  const auto endpoint = s.state.endpoints.find(worker.endpoint);
  kill_worker(s, victim.worker, worker, Ending::kAtOnce, because);
  if (endpoint != s.state.endpoints.end()) expect_next(s, endpoint->second, victim.worth);
}

int admit(Stepping& s, EndpointState& endpoint, const Need& need, int wanted) {
  const uint64_t room = room_bytes(memory_now(s.state));
  const int slots = slots_that_fit(need, room, wanted);
  if (slots > 0) {
    endpoint.no_room_noted = false;
    return slots;
  }
  const std::string& name = endpoint.revision.spec.name;
  hurry(s, fmt::format("memory is wanted for '{}'", name));
  if (making_room(s.state)) return 0;
  const bool possible = needed_bytes(need, 1) <= s.state.node.memory_limit_bytes;  // else others would be given up in vain
  if (possible && give_up_one(s, name, fmt::format("memory is wanted for '{}'", name))) return 0;
  if (!endpoint.no_room_noted) {
    endpoint.no_room_noted = true;
    s.decide({.what = "wait",
              .endpoint = name,
              .because = "there is no memory for one slot, and no idle worker to give up",
              .inputs = {{"needs", Bytes{needed_bytes(need, 1)}}, {"room", Bytes{room}}}});
  }
  return 0;
}

namespace {

// Slots that its calls are to have, so that the next one finds one; 0: its owner asks for nothing of that kind.
int by_target(const EndpointState& endpoint, const WorkerState& worker) {
  if (endpoint.scaling.target_percent == 100) return 0;
  const auto calls = static_cast<int>(endpoint.waiting.size() + worker.held.size() + worker.running.size());
  return std::min(slots_wanted(calls, endpoint.scaling), slots_most(endpoint.scaling, endpoint.revision.spec.engine));
}

void grow(Stepping& s, EndpointState& endpoint, WorkerId id, WorkerState& worker) {
  if (worker.resizing || s.now < worker.grow_after) return;
  const domain::Scaling& scaling = endpoint.scaling;
  const auto without = static_cast<int>(endpoint.waiting.size() + worker.held.size());
  const int wanted = std::max({slots_to_grow_to(worker.slots, without, scaling, endpoint.revision.spec.engine), scaling.min, by_target(endpoint, worker)});
  const uint64_t room = room_bytes(memory_now(s.state));
  const uint64_t slot = std::max<uint64_t>(endpoint.revision.slot_bytes(), 1);
  const int slots = worker.slots + static_cast<int>(std::min<uint64_t>(static_cast<uint64_t>(std::max(wanted - worker.slots, 0)), room / slot));
  if (slots <= worker.slots) return;
  const uint64_t before = bytes_of(worker);
  worker.resizing = true;
  worker.resize_to = slots;
  worker.progress = s.now;
  worker.load_by = s.now + kChangeMax;
  worker.admitted_bytes = before + static_cast<uint64_t>(slots - worker.slots) * slot;
  const DecisionId why = s.decide({.what = "grow",
                                   .endpoint = worker.endpoint,
                                   .because = without > 0 ? Text("more calls wait than slots are free")
                                                          : Text("its calls take more of its slots than they are to (scaling.min, scaling.target)"),
                                   .worker = id,
                                   .inputs = {{"waiting", int64_t{without}}, {"slots", Change{worker.slots, slots}}, {"room", Bytes{room}}}});
  s.act(Resize{.worker = id, .slots = slots}, why);
  s.memory_moved = true;
  s.touch(id);
}

void serve_ready(Stepping& s, EndpointState& endpoint, WorkerId id, WorkerState& worker) {
  while (const std::optional<domain::Priority> next = endpoint.waiting.next_class()) {
    const int free = free_slots(worker);
    if (free < 0 || (free == 0 && !hold_for(s, endpoint, id, *next))) break;
    if (const std::optional<CallId> held = to_resume(s.state, worker, next, s.now))
      resume(s, *held);
    else
      dispatch_next(s, endpoint, id);
  }
  const bool short_of_slots = (!endpoint.waiting.empty() || !worker.held.empty()) && std::cmp_greater_equal(worker.running.size(), worker.slots);
  if (short_of_slots || worker.slots < std::max(endpoint.scaling.min, by_target(endpoint, worker))) grow(s, endpoint, id, worker);
}

// True: nothing more is wanted until something happens to this endpoint.
bool serve(Stepping& s, EndpointState& endpoint) {
  if (endpoint.revision.by_instances()) return serve_instances(s, endpoint);
  auto* worker = current_worker(s.state, endpoint);
  const domain::Scaling& scaling = endpoint.scaling;
  const bool wanted = !s.state.draining && (!endpoint.waiting.empty() || scaling.min > 0);
  if (!wanted) return true;
  const int slots = slots_at_start(static_cast<int>(endpoint.waiting.size()), scaling, endpoint.revision.spec.engine);
  if (worker == nullptr) {
    if (s.now < endpoint.backoff_until) return false;
    const Need need = need_of(s.state, endpoint);
    if (const int fitting = admit(s, endpoint, need, slots); fitting > 0) start_worker(s, endpoint, fitting);
    return false;
  }
  if (worker->second.phase == WorkerPhase::kReady) {
    serve_ready(s, endpoint, worker->first, worker->second);
    return endpoint.waiting.empty();
  }
  if (worker->second.phase == WorkerPhase::kParked && s.now >= worker->second.grow_after) {
    const Need need{.weights_bytes = 0, .weights_mapped = true, .slot_bytes = endpoint.revision.slot_bytes(), .measured_bytes = 0, .measured_slots = 0};
    if (const int fitting = admit(s, endpoint, need, slots); fitting > 0) wake_worker(s, worker->first, worker->second, fitting);
  }
  return false;  // starting, parking, waking: its next event comes back here
}

// How urgent the next call of the endpoint is: its class, or less where none waits.
size_t urgency_of(const State& state, const std::string& name) {
  const auto endpoint = state.endpoints.find(name);
  const auto next = endpoint == state.endpoints.end() ? std::nullopt : endpoint->second.waiting.next_class();
  return next ? static_cast<size_t>(*next) : domain::kPriorities.size();
}

void serve_hungry_one(Stepping& s, const std::string& name) {
  const auto endpoint = s.state.endpoints.find(name);
  if (endpoint == s.state.endpoints.end() || serve(s, endpoint->second)) s.state.hungry.erase(s.state.hungry.find(name));
}

// Where memory is short, it goes to whom the most urgent calls wait for.
void serve_hungry(Stepping& s) {
  if (s.state.hungry.empty()) return;
  if (s.state.hungry.size() == 1) return serve_hungry_one(s, *s.state.hungry.begin());
  std::vector<std::pair<size_t, std::string>> names;
  names.reserve(s.state.hungry.size());
  for (const std::string& name : s.state.hungry)
    names.emplace_back(urgency_of(s.state, name), name);
  std::ranges::sort(names);
  for (const auto& [urgency, name] : names)
    serve_hungry_one(s, name);
}

void ask_for_wake(Stepping& s) {
  MonoTime at = s.state.due_workers.empty() ? MonoTime::max() : s.state.due_workers.begin()->first;
  if (!s.state.due_calls.empty()) at = std::min(at, s.state.due_calls.begin()->first);
  if (!s.state.due_endpoints.empty()) at = std::min(at, s.state.due_endpoints.begin()->first);
  if (!s.state.due_provisions.empty()) at = std::min(at, s.state.due_provisions.begin()->first);
  at = std::min(at, s.state.rotate_at);
  for (const std::string& name : s.state.hungry) {
    const EndpointState& endpoint = s.state.endpoints.at(name);
    if (endpoint.backoff_until > s.now) at = std::min(at, endpoint.backoff_until);
    if (endpoint.prepare && endpoint.prepare_by > s.now) at = std::min(at, endpoint.prepare_by);
    const auto* worker = current_worker(s.state, endpoint);
    if (worker != nullptr && worker->second.grow_after > s.now) at = std::min(at, worker->second.grow_after);
  }
  // One wake-up too early costs nothing; asking anew for each call would.
  const bool needed = at < s.state.wake || (s.state.wake <= s.now && at != MonoTime::max());
  if (s.state.wake <= s.now) s.state.wake = MonoTime::max();
  if (!needed) return;
  s.state.wake = at;
  s.act(WakeAt{.at = at}, {});
}

}  // namespace

uint64_t bytes_of(const WorkerState& worker) {
  const bool settled = worker.measured && worker.pss_bytes > 0 && !loads(worker) && !worker.resizing;
  return settled ? worker.pss_bytes : std::max(worker.pss_bytes, worker.admitted_bytes);
}

NodeMemory memory_now(const State& state) {
  return {.limit_bytes = state.node.memory_limit_bytes,
          .workers_bytes = state.workers_bytes,
          .available_bytes = state.available_bytes,
          .reserve_bytes = state.node.memory_reserve_bytes,
          .promised_bytes = state.promised_bytes};
}

Need need_of(const State& state, const EndpointState& endpoint) {
  const domain::Revision& revision = endpoint.revision;
  const bool mapped =
      revision.model && std::any_of(state.workers.begin(), state.workers.end(), [&](const auto& entry) {
        const auto other = state.revisions.find(entry.second.revision);
        return !entry.second.killed && other != state.revisions.end() && other->second.model && other->second.model->digest == revision.model->digest;
      });
  return {.base_bytes = revision.by_instances() ? domain::kInstanceBaseBytes : domain::kWorkerBaseBytes,
          .weights_bytes = revision.weights_bytes(),
          .weights_mapped = mapped,
          // An instance takes what one was seen to take; until then all that it may.
          .slot_bytes = revision.by_instances() && endpoint.measured_bytes ? 0 : revision.slot_bytes(),
          .measured_bytes = endpoint.measured_bytes,
          .measured_slots = endpoint.measured_slots};
}

void settle(Stepping& s) {
  check_due_calls(s);
  check_provisions(s);
  serve_hungry(s);
  start_expected(s);
  tend_workers(s);
  if (s.memory_moved && under_pressure(memory_now(s.state))) {
    hurry(s, "the machine's memory is short");
    if (!making_room(s.state)) give_up_one(s, {}, "the machine's memory is short");
  }
  share(s);
  tend_workers(s);
  ask_for_wake(s);
  if (s.state.draining && s.state.calls.empty() && !s.state.drained_told) {
    s.state.drained_told = true;
    s.act(Drained{}, {});
  }
}

}  // namespace ebb::control
