// The books, as events change them.
#include <fmt/format.h>

#include <algorithm>

#include "sim/checkers.h"

namespace ebb::sim {

namespace {

// The rules of failure, written once more.
nanoseconds pause_after(int failures) {
  if (failures < 2) return nanoseconds(0);
  return std::min<nanoseconds>(milliseconds(250) * (int64_t{1} << std::min(failures - 2, 10)), seconds(30));
}
constexpr int kFailuresOfTypedError = 5;
constexpr seconds kDrainTime{30};

}  // namespace

void Checkers::told(const control::CallArrived& event, const control::Actions& actions) {
  if (seen_.size() <= event.call.value) seen_.resize(event.call.value + 1);
  seen_[event.call.value] = true;
  list_at(event.wall);
  const Error* refused = nullptr;
  bool recorded = false;
  int made_room = 0;
  for (const control::Action& action : actions) {
    if (const auto* error = std::get_if<control::AnswerError>(&action.act); error != nullptr && error->call == event.call) refused = &error->error;
    if (const auto* record = std::get_if<control::RecordUsage>(&action.act)) {
      recorded = recorded || record->record.call == event.call;
      const CallBook* const other = live(record->record.call);
      made_room += other != nullptr && !other->worker && other->endpoint == event.endpoint ? 1 : 0;
    }
  }
  if (refused == nullptr || recorded) return accept(event, made_room);
  arriving_ = event.call;
  if (budgets_.empty() && !event.max_cost && refused->kind != ErrorKind::kQuota && refused->kind != ErrorKind::kInvalid) return;
  const EndpointBook* const endpoint = endpoint_of(event.endpoint);
  if (endpoint == nullptr) return;
  const CallBook call = book_of(event, endpoint->revision);
  check_rates(call, event.call, refused);
  check_budgets(event, call.worst, refused);
}

CallBook Checkers::book_of(const control::CallArrived& event, const domain::Revision& revision) {
  const domain::PriceList& list = list_at(event.wall);
  return {.endpoint = event.endpoint,
          .priority = event.priority.value_or(revision.spec.priority),
          .tenant = event.tenant,
          .key = event.key,
          .prices = list.version,
          .worst = worst_of(revision, event.deadline, list),
          .arrived = now_,
          .deadline = event.deadline,
          .wall = event.wall,
          .wait_max = revision.spec.limits.wait};
}

void Checkers::accept(const control::CallArrived& event, int made_room) {
  EndpointBook* const endpoint = endpoint_of(event.endpoint);
  if (endpoint == nullptr)
    return fail("accept", fmt::format("call {} is accepted for the endpoint '{}', which does not exist", event.call.value, event.endpoint));
  if (draining_) fail("accept", fmt::format("call {} is accepted after the drain began", event.call.value));
  if (!store_writable_) fail("accept", fmt::format("call {} is accepted while its bill could not be written", event.call.value));
  const domain::CallLimits& limits = endpoint->revision.spec.limits;
  // One may make room for another, also where calls of a worker that died came back to a full queue.
  if (endpoint->waiting > 0 && made_room == 0 && endpoint->waiting >= std::max(limits.queue, 1))
    fail("queue", fmt::format("call {} is accepted while {} calls wait, and {} may", event.call.value, endpoint->waiting, limits.queue));
  CallBook call = book_of(event, endpoint->revision);
  check_rates(call, event.call, nullptr);
  check_budgets(event, call.worst, nullptr);
  set_due(event.call, call, std::min(event.deadline, now_ + limits.wait));
  join_queue(*endpoint, call, event.call, false);
  calls_.insert_or_assign(event.call, std::move(call));
}

void Checkers::told(const control::CallFirstText& event) {
  if (CallBook* const call = live(event.call)) call->no_second_try = true;
}

void Checkers::told(const control::CallCommitted& event) {
  if (CallBook* const call = live(event.call)) call->no_second_try = true;
}

void Checkers::told(const control::CallEnded& event) {
  CallBook* const call = live(event.call);
  if (call == nullptr || !call->worker) return;
  WorkerBook& worker = workers_.at(call->worker);
  if (!call->held_since) call->share += worker.running.leave(event.call, now_);
  worker.progress = now_;
  worker.held.erase(event.call);
  must_end_.push_back(event.call);
  EndpointBook* const endpoint = endpoint_of(call->endpoint);
  const bool well = event.outcome == domain::Outcome::kOk && !call->cancelled;
  if (endpoint == nullptr || !well || worker.revision != endpoint->revision.id) return;
  endpoint->failures = 0;
  endpoint->no_start_before = {};  // the row is over: one more death begins another
}

void Checkers::told(const control::CallLeft& event) {
  const CallBook* const call = live(event.call);
  if (call == nullptr) return;
  if (!call->worker)
    must_end_.push_back(event.call);
  else if (!call->cancelled)
    must_cancel_ = event.call;
}

void Checkers::told(const control::WorkerReady& event) {
  const auto found = workers_.find(event.worker);
  if (found == workers_.end()) return;
  WorkerBook& worker = found->second;
  worker.progress = now_;
  if (worker.resizing) {
    worker.resizing = false;
    worker.slots = std::max(event.slots, static_cast<int>(worker.running.size()));  // those that run calls stay
  } else if (worker.loads()) {
    worker.slots = std::max(worker.instance ? std::min(event.slots, worker.asked) : event.slots, 0);
    worker.phase = worker.slots > 0 ? Phase::kReady : Phase::kParked;
    worker.since = now_;
    if (worker.slots > 0 && worker.fresh) {
      worker.fresh = false;
      if (worker.instance) worker.reading_bytes = 0;  // it was that of an empty sandbox
    }
  }
}

void Checkers::told(const control::WorkerParked& event) {
  const auto found = workers_.find(event.worker);
  if (found == workers_.end() || found->second.phase != Phase::kParking) return;
  found->second.phase = Phase::kParked;
  found->second.since = now_;
  found->second.slots = 0;
  if (!found->second.instance) found->second.reading_bytes = 0;
}

void Checkers::told(const control::WorkerProgress& event) {
  if (const auto found = workers_.find(event.worker); found != workers_.end()) found->second.progress = now_;
}

void Checkers::told(const control::WorkerDied& event) {
  const auto found = workers_.find(event.worker);
  if (found == workers_.end()) return;
  WorkerBook& worker = found->second;
  EndpointBook* const endpoint = endpoint_of(worker.endpoint);
  const auto end_of = [&](CallId id) {
    CallBook& call = calls_.at(id);
    if (!call.held_since) call.share += worker.running.leave(id, now_);
    call.held_since.reset();
    call.held = nanoseconds(0);
    call.worker = {};
    ++call.kills;
    set_due(id, call, std::min(call.deadline, call.arrived + call.wait_max));
    came_back_.push_back(id);
    if (endpoint != nullptr) join_queue(*endpoint, call, id, true);
  };
  // From the highest id, so that the lowest stands first in the queue; before those that were held.
  while (!worker.held.empty()) {
    const CallId id = *worker.held.rbegin();
    worker.held.erase(id);
    end_of(id);
  }
  while (!worker.running.empty())
    end_of(worker.running.shares().back().first);
  const bool counts = !worker.killed && endpoint != nullptr && endpoint->revision.id == worker.revision && (!worker.instance || worker.fresh);
  if (counts) {
    ++endpoint->failures;
    if (event.error && worker.fresh) endpoint->failures = std::max(endpoint->failures, kFailuresOfTypedError);
    endpoint->no_start_before = now_ + pause_after(endpoint->failures);
  }
  workers_.erase(found);
}

void Checkers::told(const control::Readings& event) {
  for (const control::WorkerMemory& reading : event.workers)
    if (const auto found = workers_.find(reading.worker); found != workers_.end()) found->second.reading_bytes = reading.pss_bytes;
}

void Checkers::told(const control::StoreWritable& event) { store_writable_ = event.writable; }

void Checkers::told(const control::RevisionDeployed& event) {
  const std::string& name = event.revision.spec.name;
  for (auto& [id, worker] : workers_)
    if (worker.endpoint == name) worker.draining = true;
  EndpointBook& endpoint = endpoints_[name];
  endpoint.revision = event.revision;
  memory_mib_[event.revision.id] = event.revision.memory_mib;
  endpoint.failures = 0;
  endpoint.no_start_before = {};
}

void Checkers::told(const control::EndpointRemoved& event) {
  for (auto& [id, worker] : workers_)
    if (worker.endpoint == event.endpoint) worker.draining = true;
  for (const auto& [id, call] : calls_)
    if (call.endpoint == event.endpoint && !call.worker) must_end_.push_back(id);
  endpoints_.erase(event.endpoint);
}

void Checkers::told(const control::DrainRequested&) {
  draining_ = true;
  for (auto& [id, call] : calls_) {
    if (!call.worker) must_end_.push_back(id);
    set_due(id, call, std::min(call.due, now_ + kDrainTime));
  }
}

}  // namespace ebb::sim
