// One worker at a time: whether it is stuck, has been idle for long enough to park or go; and whose turn it is to compute.
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "control/core_policy.h"
#include "control/failure_policy.h"
#include "control/scale_policy.h"
#include "control/stepping.h"

namespace ebb::control {

namespace {

constexpr milliseconds kCoreTurn{50};
// An idle worker of an endpoint for which calls wait is not given up, whatever its time: they wait for memory, or for it.
constexpr seconds kLookAgain{1};

nanoseconds silence_max(const State& state, const WorkerState& worker) {
  if (loads(worker)) {
    const auto revision = state.revisions.find(worker.revision);
    return load_silence_max(revision == state.revisions.end() ? 0 : revision->second.weights_bytes());
  }
  return worker.phase == WorkerPhase::kParking ? nanoseconds(kParkSilenceMax) : nanoseconds(kBusySilenceMax);
}

// Has an end of its own, however much progress it shows.
bool changes(const WorkerState& worker) { return loads(worker) || worker.resizing || worker.phase == WorkerPhase::kParking; }

MonoTime watch_until(const State& state, const WorkerState& worker) {
  const MonoTime silent = worker.progress + silence_max(state, worker);
  return changes(worker) ? std::min(silent, worker.load_by) : silent;
}

// A worker that stays ready keeps its minimum. The slots that go are not used from now on, whatever it answers.
void shrink(Stepping& s, const domain::Scaling& scaling, WorkerId id, WorkerState& worker) {
  const DecisionId why = s.decide({.what = "shrink",
                                   .endpoint = worker.endpoint,
                                   .because = "its idle time is over, and fewer slots are to be kept warm",
                                   .worker = id,
                                   .inputs = {{"slots", Change{worker.slots, scaling.min}}}});
  worker.resizing = true;
  worker.resize_to = worker.slots = scaling.min;
  worker.progress = s.now;
  worker.load_by = s.now + kChangeMax;
  s.act(Resize{.worker = id, .slots = scaling.min}, why);
  s.touch(id);
}

void give_up_idle(Stepping& s, EndpointState& endpoint, WorkerId id, WorkerState& worker) {
  const bool by_owner = endpoint.scaling.keep.has_value();
  kill_worker(s, id, worker, Ending::kGently,
              by_owner ? "it was parked for longer than scaling.keep" : "no call is expected soon enough to be worth the memory that it holds");
  if (!by_owner) expect_next(s, endpoint);
}

// Slots that nobody of a higher class waits for go to those who stood back.
void resume_held(Stepping& s, WorkerState& worker) {
  if (worker.held.empty() || worker.phase != WorkerPhase::kReady) return;
  const auto endpoint = s.state.endpoints.find(worker.endpoint);
  const bool serves = endpoint != s.state.endpoints.end() && is_current(endpoint->second, worker) && !s.state.draining;
  while (free_slots(worker) > 0) {
    const std::optional<CallId> held = to_resume(s.state, worker, serves ? endpoint->second.waiting.next_class() : std::nullopt, s.now);
    if (!held) return;
    resume(s, *held);
  }
}

// When this worker is to be looked at again; acts if that time has come.
MonoTime tend(Stepping& s, WorkerId id, WorkerState& worker) {
  if (worker.killed) return MonoTime::max();
  resume_held(s, worker);
  if (worker.draining && worker.running.empty() && worker.held.empty()) {
    kill_worker(s, id, worker, Ending::kGently, "its revision was replaced or removed, and its last call ended");
    return MonoTime::max();
  }
  // What a function does in its calls shows nobody: their own time is all that bounds it.
  const bool works = !worker.instance ? busy(worker) && worker.threads != 0 : loads(worker);
  const bool watched = works || worker.phase == WorkerPhase::kParking;
  if (watched) {
    const MonoTime until = watch_until(s.state, worker);
    if (s.now < until) return until;
    const bool late = changes(worker) && s.now >= worker.load_by;
    kill_worker(s, id, worker, Ending::kFault,
                late ? fmt::format("it took longer than it may to {}", loads(worker)     ? "be ready"
                                                                       : worker.resizing ? "change its slots"
                                                                                         : "park")
                     : fmt::format("no progress for {} s while there was work", std::chrono::round<seconds>(s.now - worker.progress).count()));
    return MonoTime::max();
  }
  if (busy(worker) || !worker.held.empty()) return MonoTime::max();
  const auto endpoint = s.state.endpoints.find(worker.endpoint);
  if (endpoint == s.state.endpoints.end()) return MonoTime::max();
  const domain::Scaling& scaling = endpoint->second.scaling;
  const bool waited_for = !endpoint->second.waiting.empty();
  const bool instance = worker.instance;
  if (worker.phase == WorkerPhase::kReady && scaling.min > 0 && !instance) {
    const MonoTime at = shrink_at(worker.slots, worker.idle_since, scaling);
    if (s.now < at) return at;
    if (waited_for) return s.now + kLookAgain;
    shrink(s, scaling, id, worker);
    return worker.progress + kBusySilenceMax;
  }
  const IdleChoice choice = idle_choice(s.state, endpoint->second, id, worker, s.now);
  if (choice.step != IdleStep::kStay && waited_for) return s.now + kLookAgain;
  if (choice.step == IdleStep::kPark) {
    park_worker(s, id, worker, "its idle time is over");
    return worker.progress + kParkSilenceMax;
  }
  if (choice.step == IdleStep::kGo) {
    give_up_idle(s, endpoint->second, id, worker);
    return MonoTime::max();
  }
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

}  // namespace

void tend_workers(Stepping& s) {
  while (!s.state.due_workers.empty() && s.state.due_workers.begin()->first <= s.now) {
    const WorkerId id = s.state.due_workers.begin()->second;
    set_due(s.state, id, s.state.workers.at(id), MonoTime::max());
    s.touched.push_back(id);
  }
  while (!s.touched.empty()) {
    std::vector<WorkerId> now = std::exchange(s.touched, {});
    std::ranges::sort(now);
    for (const WorkerId id : now) {
      const auto worker = s.state.workers.find(id);
      if (worker == s.state.workers.end()) continue;
      // One that is due later than it was stays where it is, and is looked at once in vain: cheaper than moving it with each call.
      if (const MonoTime at = tend(s, id, worker->second); at < worker->second.due) set_due(s.state, id, worker->second, at);
    }
  }
}

namespace {

// Of the most urgent of its calls; of one that loads, of those that wait for it.
domain::Priority class_of(const State& state, const WorkerState& worker) {
  domain::Priority best = domain::Priority::kBatch;
  for (const CallId id : worker.running)
    best = std::min(best, state.calls.at(id).priority);
  if (!worker.running.empty()) return best;
  const auto endpoint = state.endpoints.find(worker.endpoint);
  const auto next = endpoint == state.endpoints.end() ? std::nullopt : endpoint->second.waiting.next_class();
  return next.value_or(domain::Priority::kNormal);
}

}  // namespace

namespace {

// As set_threads, where it is another number.
void change_threads(Stepping& s, WorkerId id, int threads) {
  WorkerState& worker = s.state.workers.at(id);
  if (worker.threads == threads) return;
  const bool resumes = worker.threads == 0;
  set_threads(s, id, worker, threads);
  if (resumes) s.touch(id);  // until now it was not watched
}

}  // namespace

void share(Stepping& s) {
  const std::set<WorkerId>& computing = s.state.computing;
  take_turns(s.state, computing.size(), s.now);
  if (computing.empty()) return;
  if (computing.size() == 1) return change_threads(s, *computing.begin(), s.state.engine_cores);  // the common case
  const std::vector<WorkerId> working(computing.begin(), computing.end());
  std::vector<domain::Priority> classes(working.size(), domain::Priority::kNormal);
  if (std::cmp_greater(working.size(), s.state.engine_cores))
    std::ranges::transform(working, classes.begin(), [&](WorkerId id) { return class_of(s.state, s.state.workers.at(id)); });
  const std::vector<int> threads = share_cores(s.state.engine_cores, classes, s.state.rotation);
  // Cores are given back before they are handed out: at no moment are there more threads than cores.
  for (const bool fewer : {true, false}) {
    for (size_t i = 0; i < working.size(); ++i) {
      if ((threads[i] < s.state.workers.at(working[i]).threads) == fewer) change_threads(s, working[i], threads[i]);
    }
  }
}

}  // namespace ebb::control
