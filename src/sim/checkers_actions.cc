// The books, as actions change them, and what each action may not be.
#include <fmt/format.h>

#include <algorithm>

#include "sim/checkers.h"

namespace ebb::sim {

namespace {

// The bounds of failure_policy.h, written once more: at the least so long, however large the model.
constexpr seconds kSilenceMin{30};
constexpr seconds kParkSilenceMin{10};
constexpr seconds kLoadMin{60};
constexpr seconds kCancelTime{5};
constexpr milliseconds kLastWordTime{500};

}  // namespace

void Checkers::asked(const control::StartWorker& act) {
  EndpointBook* const endpoint = endpoint_of(act.endpoint);
  if (endpoint == nullptr || endpoint->revision.id != act.revision)
    return fail("start", fmt::format("worker {} is started of a revision that is not the current one of '{}'", act.worker.value, act.endpoint));
  if (now_ < endpoint->no_start_before)
    fail("back-off", fmt::format("worker {} is started {} ms before the back-off of '{}' is over", act.worker.value,
                                 std::chrono::ceil<milliseconds>(endpoint->no_start_before - now_).count(), act.endpoint));
  WorkerBook worker{.endpoint = act.endpoint,
                    .revision = act.revision,
                    .instance = endpoint->revision.by_instances(),
                    .slots = act.slots,
                    .asked = act.slots,
                    .threads = act.threads};
  worker.since = worker.progress = now_;
  if (!workers_.emplace(act.worker, std::move(worker)).second) fail("start", fmt::format("worker {} is started twice", act.worker.value));
  const auto serving = std::ranges::count_if(workers_, [&](const auto& other) {
    const WorkerBook& book = other.second;
    return book.endpoint == act.endpoint && book.revision == act.revision && !book.draining && !book.killed && !(book.fresh && book.slots == 0);
  });
  const int most = endpoint->revision.by_instances() ? endpoint->revision.spec.scaling.max : 1;
  if (serving > most) fail("start", fmt::format("{} workers serve '{}', and {} may", serving, act.endpoint, most));
  memory_taken_ = true;
}

void Checkers::asked(const control::Park& act) {
  WorkerBook* const worker = worker_of(act.worker, "a park");
  if (worker == nullptr) return;
  if (worker->phase != Phase::kReady || worker->killed || worker->resizing || !worker->running.empty() || !worker->held.empty())
    fail("park", fmt::format("worker {} is to be parked while it is not idle: it runs {} calls", act.worker.value, worker->running.size()));
  worker->phase = Phase::kParking;
  worker->since = worker->progress = now_;
}

void Checkers::asked(const control::Unpark& act) {
  WorkerBook* const worker = worker_of(act.worker, "a wake");
  if (worker == nullptr) return;
  if (worker->phase != Phase::kParked || worker->killed) fail("wake-up", fmt::format("worker {} is to wake, and is not parked", act.worker.value));
  // What was frozen goes on at once.
  const bool thaws = worker->instance && !worker->fresh;
  worker->phase = thaws ? Phase::kReady : Phase::kWaking;
  worker->slots = worker->asked = act.slots;
  worker->since = worker->progress = now_;
  memory_taken_ = memory_taken_ || !thaws;
}

void Checkers::asked(const control::Resize& act) {
  WorkerBook* const worker = worker_of(act.worker, "a resize");
  if (worker == nullptr) return;
  if (worker->phase != Phase::kReady || worker->killed || worker->resizing)
    fail("resize", fmt::format("worker {} is to change its slots, and is not ready for it", act.worker.value));
  worker->resizing = true;
  worker->resize_since = worker->progress = now_;
  memory_taken_ = memory_taken_ || act.slots > worker->slots;
  worker->slots = std::min(worker->slots, act.slots);
}

void Checkers::asked(const control::SetThreads& act) {
  WorkerBook* const worker = worker_of(act.worker, "a change of threads");
  if (worker == nullptr) return;
  if (act.threads < 0) fail("threads", fmt::format("worker {} is to have {} threads", act.worker.value, act.threads));
  worker->threads = act.threads;
}

void Checkers::asked(const control::KillWorker& act) {
  WorkerBook* const worker = worker_of(act.worker, "a kill");
  if (worker == nullptr) return;
  if (!worker->killed)
    may_kill(act.worker, *worker);
  else if (!worker->gently || act.grace.count() > 0)
    fail("kill", fmt::format("worker {} is killed a second time", act.worker.value));
  worker->killed = true;
  worker->gently = act.grace.count() > 0;
  for (const auto& [id, share] : worker->running.shares())
    if (CallBook* const call = live(id); call != nullptr && call->cancelled) set_due(id, *call, MonoTime::max());
  for (const CallId id : worker->held)
    if (CallBook* const call = live(id); call != nullptr && call->cancelled) set_due(id, *call, MonoTime::max());
}

void Checkers::may_kill(WorkerId id, const WorkerBook& worker) {
  const nanoseconds silent = now_ - worker.progress;
  if (worker.resizing && now_ - worker.resize_since >= kSilenceMin) return;
  if (!worker.running.empty() || !worker.held.empty()) {
    const auto is_overdue = [&](CallId of) {
      const CallBook* const call = live(of);
      return call != nullptr && call->cancelled && now_ - *call->cancelled >= kCancelTime;
    };
    const bool overdue = std::ranges::any_of(worker.running.shares(), [&](const auto& share) { return is_overdue(share.first); }) ||
                         std::ranges::any_of(worker.held, is_overdue);
    if (!overdue && (worker.instance || silent < kSilenceMin))
      fail("kill", fmt::format("worker {} is killed while it runs {} calls, and nothing is wrong with it", id.value, worker.running.size()));
    return;
  }
  if (worker.draining) return;
  if (worker.loads() && silent < kSilenceMin && now_ - worker.since < kLoadMin)
    fail("kill", fmt::format("worker {} is killed while it loads, and has time left for it", id.value));
  if (worker.phase == Phase::kParking && silent < kParkSilenceMin && now_ - worker.since < kSilenceMin)
    fail("kill", fmt::format("worker {} is killed while it is being parked", id.value));
  if (worker.phase == Phase::kReady && !worker.instance)
    fail("kill", fmt::format("worker {} is killed while it is ready, and nothing is wrong with it", id.value));
}

void Checkers::asked(const control::Dispatch& act) {
  WorkerBook* const worker = worker_of(act.worker, "a dispatch");
  CallBook* const call = live(act.call);
  if (call == nullptr)
    return fail("dispatch", fmt::format("call {} is dispatched, and {}", act.call.value,
                                        act.call.value < seen_.size() && seen_[act.call.value] ? "its record is written" : "there is no such call"));
  if (worker == nullptr) return;
  if (call->worker) return fail("dispatch", fmt::format("call {} is dispatched while it runs in worker {}", act.call.value, call->worker.value));
  if (worker->phase != Phase::kReady || worker->killed || worker->draining)
    fail("dispatch", fmt::format("call {} is dispatched to worker {}, which is not ready", act.call.value, act.worker.value));
  if (std::cmp_greater_equal(worker->running.size(), worker->slots))
    fail("slots", fmt::format("worker {} has {} slots and is to run {} calls", act.worker.value, worker->slots, worker->running.size() + 1));
  if (call->no_second_try) fail("second try", fmt::format("call {} gave text, and is dispatched again", act.call.value));
  if (call->endpoint != worker->endpoint) fail("dispatch", fmt::format("call {} is dispatched to a worker of another endpoint", act.call.value));
  if (act.queued != now_ - call->arrived) fail("bill", fmt::format("call {} is told another wait than it had", act.call.value));
  EndpointBook* const endpoint = endpoint_of(call->endpoint);
  if (endpoint == nullptr) return fail("dispatch", fmt::format("call {} is dispatched, and its endpoint is gone", act.call.value));
  if (higher_waits(*endpoint, call->priority)) fail("class", fmt::format("call {} is dispatched while one of a higher class waits", act.call.value));
  const auto waits = [this](CallId id) { return live(id) != nullptr && !live(id)->worker; };
  std::deque<CallId>& line = endpoint->lines[{call->priority, call->tenant}];
  while (!line.empty() && !waits(line.front()))
    line.pop_front();
  if (line.empty() || line.front() != act.call)
    fail("order", fmt::format("call {} is dispatched before others of its tenant that waited longer", act.call.value));
  else
    line.pop_front();
  leave_queue(*call);
  if (worker->running.empty()) worker->progress = now_;
  worker->running.enter(act.call, now_);
  call->worker = act.worker;
  call->revision = worker->revision;
  call->dispatched = now_;
  call->share = nanoseconds(0);
  const nanoseconds time = endpoint->revision.spec.limits.time + (worker->instance ? kLastWordTime : milliseconds(0));
  set_due(act.call, *call, std::min(call->deadline, now_ + time));
}

void Checkers::asked(const control::HoldCall& act) {
  WorkerBook* const worker = worker_of(act.worker, "a hold");
  CallBook* const call = live(act.call);
  if (worker == nullptr) return;
  if (call == nullptr || call->worker != act.worker || call->held_since || call->cancelled)
    return fail("hold", fmt::format("call {} is to be held in worker {}, where it does not run", act.call.value, act.worker.value));
  const EndpointBook* const endpoint = endpoint_of(call->endpoint);
  if (worker->instance) fail("hold", fmt::format("call {} runs in an instance, which cannot hold it", act.call.value));
  if (call->priority != domain::Priority::kBatch || endpoint == nullptr || !higher_waits(*endpoint, call->priority))
    fail("hold", fmt::format("call {} is held, and no call of a higher class waits", act.call.value));
  if (call->held >= call->wait_max) fail("hold", fmt::format("call {} is held again, and was for as long as it may be", act.call.value));
  call->share += worker->running.leave(act.call, now_);
  call->held_since = now_;
  worker->held.insert(act.call);
  set_due(act.call, *call, std::min(call->deadline, now_ + call->wait_max + endpoint->revision.spec.limits.time));
}

void Checkers::asked(const control::ResumeCall& act) {
  WorkerBook* const worker = worker_of(act.worker, "a resumption");
  CallBook* const call = live(act.call);
  if (worker == nullptr) return;
  if (call == nullptr || call->worker != act.worker || !call->held_since || call->cancelled)
    return fail("hold", fmt::format("call {} is to go on in worker {}, where it is not held", act.call.value, act.worker.value));
  if (std::cmp_greater_equal(worker->running.size(), worker->slots))
    fail("slots", fmt::format("worker {} has {} slots and is to run {} calls", act.worker.value, worker->slots, worker->running.size() + 1));
  call->held += now_ - *call->held_since;
  call->held_since.reset();
  worker->held.erase(act.call);
  if (worker->running.empty()) worker->progress = now_;
  worker->running.enter(act.call, now_);
  // The time of its own revision holds: that of a replaced one is not in the books.
  const EndpointBook* const endpoint = endpoint_of(call->endpoint);
  const bool same = endpoint != nullptr && endpoint->revision.id == worker->revision;
  set_due(act.call, *call, same ? std::min(call->deadline, call->dispatched + call->held + endpoint->revision.spec.limits.time) : MonoTime::max());
  const bool serves = same && !worker->draining && !draining_;
  if (serves && higher_waits(*endpoint, call->priority) && call->held < call->wait_max)
    fail("class", fmt::format("call {} goes on while one of a higher class waits", act.call.value));
}

void Checkers::asked(const control::CancelCall& act) {
  if (worker_of(act.worker, "a cancel") == nullptr) return;
  CallBook* const call = live(act.call);
  if (call == nullptr || call->worker != act.worker)
    return fail("cancel", fmt::format("call {} is cancelled in worker {}, where it does not run", act.call.value, act.worker.value));
  if (call->cancelled) fail("cancel", fmt::format("call {} is cancelled twice", act.call.value));
  call->cancelled = now_;
  if (must_cancel_ == act.call) must_cancel_ = {};
  // One that is killed already ends soon enough.
  set_due(act.call, *call, workers_.at(act.worker).killed ? MonoTime::max() : now_ + kCancelTime);
}

void Checkers::asked(const control::AnswerError& act) {
  if (act.call == arriving_) {
    arriving_ = {};
    return;
  }
  CallBook* const call = live(act.call);
  if (call == nullptr) return fail("answer", fmt::format("call {} is answered, and it is over", act.call.value));
  if (call->answered) fail("answer", fmt::format("call {} is answered twice", act.call.value));
  call->answered = true;
}

void Checkers::asked(const control::RecordUsage& act) {
  const domain::UsageRecord& record = act.record;
  CallBook* const call = live(record.call);
  if (call == nullptr) return fail("record", fmt::format("there is a usage record of call {}, which is over or was never accepted", record.call.value));
  // What came back to the queue of a worker that died was metered for nobody, and may be refused in the same step.
  const bool came_back = !call->worker && std::ranges::find(came_back_, record.call) != came_back_.end();
  if (record.busy != call->share && !(came_back && record.busy.count() == 0))
    fail("bill",
         fmt::format("call {} is billed for {} ns, and its share of the worker's time is {} ns", record.call.value, record.busy.count(), call->share.count()));
  if (record.total != now_ - call->arrived || record.ended != call->wall + std::chrono::duration_cast<milliseconds>(record.total))
    fail("bill", fmt::format("the times of call {} in its record are not those that it took", record.call.value));
  if (call->worker && workers_.at(call->worker).running.has(record.call)) fail("record", fmt::format("call {} is recorded while it runs", record.call.value));
  check_cost(record, *call, call->worker || (came_back && call->cancelled));
  spend(record, *call);
  end_in_rates(record, *call);
  if (!call->worker) leave_queue(*call);
  calls_.erase(record.call);
}

void Checkers::asked(const control::RecordInit& act) {
  if (act.record.tier != domain::Tier::kInit || act.record.total.count() < 0) fail("bill", "the record of a start is none");
}

void Checkers::asked(const control::WakeAt& act) {
  if (act.at <= now_) fail("wake", "a wake-up is asked for that is over already");
  wake_ = act.at;
}

void Checkers::asked(const control::Drained&) {
  if (drained_) fail("drain", "the core says twice that it is drained");
  if (!draining_ || !calls_.empty()) fail("drain", fmt::format("the core says that it is drained while {} calls are not over", calls_.size()));
  drained_ = true;
}

}  // namespace ebb::sim
