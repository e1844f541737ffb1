// What follows from any event: waiting calls get slots or make them appear, idle workers park or go, stuck ones are killed, cores are
// shared, and the next look is asked for. Idempotent: settling twice at the same time does nothing the second time.
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

constexpr milliseconds kCoreTurn{50};

// Cores are for engines: an instance has its share by its own limits.
bool computes(const State& state, const WorkerState& worker) { return !is_instance(state, worker); }

bool idle(const WorkerState& worker) { return worker.running.empty() && !worker.killed && !worker.resizing; }
bool busy(const WorkerState& worker) { return !worker.killed && (!worker.running.empty() || loads(worker) || worker.resizing); }

// Something is on its way to free memory: wait for it before giving up more.
bool making_room(const State& state) {
  return std::any_of(state.workers.begin(), state.workers.end(), [](const auto& w) { return w.second.killed || w.second.phase == WorkerPhase::kParking; });
}

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
  std::vector<Victim> victims;
  for (const auto& [id, worker] : s.state.workers) {
    const bool takes_part = idle(worker) && (worker.phase == WorkerPhase::kReady || worker.phase == WorkerPhase::kParked) && worker.endpoint != except;
    if (!takes_part) continue;
    const auto endpoint = s.state.endpoints.find(worker.endpoint);
    const bool waited_for = endpoint != s.state.endpoints.end() && !endpoint->second.waiting.empty();
    if (waited_for) continue;
    const bool kept = endpoint != s.state.endpoints.end() && endpoint->second.revision.spec.scaling.min > 0;
    victims.push_back(
        {.worker = id, .parked = worker.phase == WorkerPhase::kParked, .idle_since = worker.idle_since, .freed_bytes = bytes_of(worker), .kept = kept});
  }
  const std::optional<WorkerId> victim = cheapest(victims);
  if (!victim) return false;
  WorkerState& worker = s.state.workers.at(*victim);
  if (worker.phase == WorkerPhase::kParked || is_instance(s.state, worker)) {
    kill_worker(s, *victim, worker, Ending::kAtOnce, because);
  } else {
    park_worker(s, *victim, worker, because);
  }
  return true;
}

}  // namespace

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
              .inputs = {{"needs", fmt::format("{} MiB", needed_bytes(need, 1) >> 20U)}, {"room", fmt::format("{} MiB", room >> 20U)}}});
  }
  return 0;
}

namespace {

void grow(Stepping& s, EndpointState& endpoint, WorkerId id, WorkerState& worker) {
  if (worker.resizing || s.now < worker.grow_after) return;
  const domain::Scaling& scaling = endpoint.revision.spec.scaling;
  const int wanted = std::max(slots_to_grow_to(worker.slots, static_cast<int>(endpoint.waiting.size()), scaling, endpoint.revision.spec.engine), scaling.min);
  const uint64_t room = room_bytes(memory_now(s.state));
  const uint64_t slot = std::max<uint64_t>(endpoint.revision.slot_bytes(), 1);
  const int slots = worker.slots + static_cast<int>(std::min<uint64_t>(static_cast<uint64_t>(std::max(wanted - worker.slots, 0)), room / slot));
  if (slots <= worker.slots) return;
  worker.resizing = true;
  worker.resize_to = slots;
  worker.progress = s.now;
  worker.admitted_bytes = bytes_of(worker) + static_cast<uint64_t>(slots - worker.slots) * slot;
  const DecisionId why = s.decide({.what = "grow",
                                   .endpoint = worker.endpoint,
                                   .because = "more calls wait than slots are free",
                                   .worker = id,
                                   .inputs = {{"waiting", fmt::format("{}", endpoint.waiting.size())},
                                              {"slots", fmt::format("{} to {}", worker.slots, slots)},
                                              {"room", fmt::format("{} MiB", room >> 20U)}}});
  s.act(Resize{.worker = id, .slots = slots}, why);
}

// A worker that stays ready keeps its minimum. The slots that go are not used from now on, whatever it answers.
void shrink(Stepping& s, const domain::Scaling& scaling, WorkerId id, WorkerState& worker) {
  const DecisionId why = s.decide({.what = "shrink",
                                   .endpoint = worker.endpoint,
                                   .because = "its idle time is over, and scaling.min asks for fewer slots",
                                   .worker = id,
                                   .inputs = {{"slots", fmt::format("{} to {}", worker.slots, scaling.min)}}});
  worker.resizing = true;
  worker.resize_to = worker.slots = scaling.min;
  worker.progress = s.now;
  s.act(Resize{.worker = id, .slots = scaling.min}, why);
}

void serve_ready(Stepping& s, EndpointState& endpoint, WorkerId id, WorkerState& worker) {
  while (!endpoint.waiting.empty() && static_cast<int>(worker.running.size()) < worker.slots) {
    const CallId call = endpoint.waiting.front();
    endpoint.waiting.pop_front();
    dispatch(s, call, id);
  }
  if (!endpoint.waiting.empty() || worker.slots < endpoint.revision.spec.scaling.min) grow(s, endpoint, id, worker);
}

// True: nothing more is wanted until something happens to this endpoint.
bool serve(Stepping& s, const std::string& name) {
  EndpointState& endpoint = s.state.endpoints.at(name);
  if (endpoint.revision.by_instances()) return serve_instances(s, endpoint);
  auto* worker = current_worker(s.state, name);
  const domain::Scaling& scaling = endpoint.revision.spec.scaling;
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

void serve_hungry(Stepping& s) {
  const std::vector<std::string> hungry(s.state.hungry.begin(), s.state.hungry.end());
  for (const std::string& name : hungry) {
    if (!s.state.endpoints.contains(name) || serve(s, name)) s.state.hungry.erase(name);
  }
}

nanoseconds silence_max(const State& state, const WorkerState& worker) {
  if (loads(worker)) {
    const auto revision = state.revisions.find(worker.revision);
    return load_silence_max(revision == state.revisions.end() ? 0 : revision->second.weights_bytes());
  }
  return worker.phase == WorkerPhase::kParking ? nanoseconds(kParkSilenceMax) : nanoseconds(kBusySilenceMax);
}

MonoTime watch_until(const State& state, const WorkerState& worker) {
  const MonoTime silent = worker.progress + silence_max(state, worker);
  return loads(worker) ? std::min(silent, worker.load_by) : silent;
}

// When this worker is to be looked at again; acts if that time has come.
MonoTime tend(Stepping& s, WorkerId id, WorkerState& worker) {
  if (worker.killed) return MonoTime::max();
  if (worker.draining && worker.running.empty()) {
    kill_worker(s, id, worker, Ending::kGently, "its revision was replaced or removed, and its last call ended");
    return MonoTime::max();
  }
  // What a function does in its calls shows nobody: their own time is all that bounds it.
  const bool works = computes(s.state, worker) ? busy(worker) && worker.threads != 0 : loads(worker);
  const bool watched = works || worker.phase == WorkerPhase::kParking;
  if (watched) {
    const MonoTime until = watch_until(s.state, worker);
    if (s.now < until) return until;
    const bool late = loads(worker) && s.now >= worker.load_by;
    kill_worker(s, id, worker, Ending::kFault,
                late ? fmt::format("it was not ready after {} s", std::chrono::round<seconds>(s.now - worker.start_began).count())
                     : fmt::format("no progress for {} s while there was work", std::chrono::round<seconds>(s.now - worker.progress).count()));
    return MonoTime::max();
  }
  if (busy(worker)) return MonoTime::max();
  const auto endpoint = s.state.endpoints.find(worker.endpoint);
  if (endpoint == s.state.endpoints.end() || !endpoint->second.waiting.empty()) return MonoTime::max();
  const domain::Scaling& scaling = endpoint->second.revision.spec.scaling;
  const bool instance = is_instance(s.state, worker);
  if (worker.phase == WorkerPhase::kReady && scaling.min > 0 && !instance) {
    const MonoTime at = shrink_at(worker.slots, worker.idle_since, scaling);
    if (s.now < at) return at;
    shrink(s, scaling, id, worker);
    return worker.progress + kBusySilenceMax;
  }
  const IdleChoice choice = instance ? idle_instance(s.state, endpoint->second, worker, s.now)
                                     : idle_step(worker.phase == WorkerPhase::kParked, worker.idle_since, worker.phase_since, scaling, s.now);
  if (choice.step == IdleStep::kPark) {
    park_worker(s, id, worker, "its idle time is over");
    return worker.progress + kParkSilenceMax;
  }
  if (choice.step == IdleStep::kGo) kill_worker(s, id, worker, Ending::kGently, "it was parked for longer than scaling.keep");
  return choice.next;
}

// More busy workers than cores: whose turn it is changes every kCoreTurn.
void take_turns(State& state, size_t working, MonoTime now) {
  if (working <= static_cast<size_t>(state.engine_cores)) {
    state.rotate_at = MonoTime::max();
  } else if (state.rotate_at == MonoTime::max()) {
    state.rotate_at = now + kCoreTurn;
  } else if (now >= state.rotate_at) {
    ++state.rotation;
    state.rotate_at = now + kCoreTurn;
  }
}

void set_threads(Stepping& s, WorkerId id, WorkerState& worker, int threads) {
  if (threads == 0) worker.paused_since = s.now;
  if (worker.threads == 0) {
    // It could show no progress while it was paused; a pause from before its work began counts nothing.
    worker.progress += s.now - std::max(worker.paused_since, worker.progress);
    worker.load_by += s.now - std::max(worker.paused_since, worker.start_began);
  }
  worker.threads = threads;
  for (Action& action : s.actions) {
    auto* start = std::get_if<StartWorker>(&action.act);
    if (start == nullptr || start->worker != id || threads == 0) continue;
    start->threads = threads;  // told with its start
    return;
  }
  s.act(SetThreads{.worker = id, .threads = threads}, {});
}

// When one that has cores again is to be looked at; until now it was not watched.
MonoTime share(Stepping& s) {
  std::vector<std::pair<WorkerId, WorkerState*>> working;
  for (auto& [id, worker] : s.state.workers) {
    if (busy(worker) && computes(s.state, worker)) working.emplace_back(id, &worker);
  }
  take_turns(s.state, working.size(), s.now);
  const std::vector<int> threads = share_cores(s.state.engine_cores, working.size(), s.state.rotation);
  MonoTime next = MonoTime::max();
  // Cores are given back before they are handed out: at no moment are there more threads than cores.
  for (const bool fewer : {true, false}) {
    for (size_t i = 0; i < working.size(); ++i) {
      WorkerState& worker = *working[i].second;
      if (worker.threads == threads[i] || (threads[i] < worker.threads) != fewer) continue;
      const bool resumes = worker.threads == 0;
      set_threads(s, working[i].first, worker, threads[i]);
      if (resumes) next = std::min(next, watch_until(s.state, worker));
    }
  }
  return next;
}

void ask_for_wake(Stepping& s, MonoTime at) {
  if (!s.state.due_calls.empty()) at = std::min(at, s.state.due_calls.begin()->first);
  at = std::min(at, s.state.rotate_at);
  for (const std::string& name : s.state.hungry) {
    const EndpointState& endpoint = s.state.endpoints.at(name);
    if (endpoint.backoff_until > s.now) at = std::min(at, endpoint.backoff_until);
    if (endpoint.prepare && endpoint.prepare_by > s.now) at = std::min(at, endpoint.prepare_by);
    const auto* worker = current_worker(s.state, name);
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
  const bool settled = worker.pss_bytes > 0 && !loads(worker) && !worker.resizing;
  return settled ? worker.pss_bytes : std::max(worker.pss_bytes, worker.admitted_bytes);
}

NodeMemory memory_now(const State& state) {
  NodeMemory memory{.limit_bytes = state.node.memory_limit_bytes,
                    .workers_bytes = 0,
                    .available_bytes = state.available_bytes,
                    .reserve_bytes = state.node.memory_reserve_bytes};
  for (const auto& [id, worker] : state.workers) {
    memory.workers_bytes += bytes_of(worker);
    if (loads(worker) || worker.resizing) memory.promised_bytes += bytes_of(worker) - worker.pss_bytes;
  }
  return memory;
}

Need need_of(const State& state, const EndpointState& endpoint) {
  const domain::Revision& revision = endpoint.revision;
  const bool mapped = revision.model && std::any_of(state.workers.begin(), state.workers.end(), [&](const auto& entry) {
                        const auto other = state.revisions.find(entry.second.revision);
                        return other != state.revisions.end() && other->second.model && other->second.model->digest == revision.model->digest;
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
  serve_hungry(s);
  MonoTime next = MonoTime::max();
  for (auto& [id, worker] : s.state.workers)
    next = std::min(next, tend(s, id, worker));
  if (under_pressure(memory_now(s.state))) {
    hurry(s, "the machine's memory is short");
    if (!making_room(s.state)) give_up_one(s, {}, "the machine's memory is short");
  }
  next = std::min(next, share(s));
  ask_for_wake(s, next);
  if (s.state.draining && s.state.calls.empty() && !s.state.drained_told) {
    s.state.drained_told = true;
    s.act(Drained{}, {});
  }
}

}  // namespace ebb::control
