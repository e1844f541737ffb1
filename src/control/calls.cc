// One call: accepted or refused, dispatched, ended, left, late.
#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "control/failure_policy.h"
#include "control/memory_policy.h"
#include "control/stepping.h"
#include "control/wait_policy.h"

namespace ebb::control {

namespace {

int64_t ms(nanoseconds time) { return std::chrono::round<milliseconds>(time).count(); }

void refuse(Stepping& s, const CallArrived& event, Error error) {
  const DecisionId why = s.decide({.what = "refuse", .endpoint = event.endpoint, .because = error.message, .call = event.call});
  s.act(AnswerError{.call = event.call, .error = std::move(error)}, why);
}

// What is wrong before the queue is looked at.
std::optional<Error> closed(const Stepping& s, const EndpointState& endpoint) {
  if (s.state.draining) return Error{.kind = ErrorKind::kUnavailable, .message = "the server is shutting down", .retry_after = seconds(5)};
  if (!s.state.store_writable)
    return Error{.kind = ErrorKind::kExhausted,
                 .message = fmt::format("no new calls are taken because their bills could not be written: {}", s.state.store_why),
                 .retry_after = seconds(5)};
  if (endpoint.failures >= kBreakerFailures && s.now < endpoint.backoff_until)
    return Error{
        .kind = ErrorKind::kUnavailable,
        .message = fmt::format("the last {} workers of this endpoint died ({}): the next start is tried later", endpoint.failures, endpoint.last_failure),
        .retry_after = std::chrono::ceil<milliseconds>(endpoint.backoff_until - s.now)};
  return std::nullopt;
}

// Without a worker there must be room for one at all; otherwise the call would wait for nothing.
std::optional<Error> too_large(const Stepping& s, const EndpointState& endpoint) {
  Status fits = fits_node(endpoint.revision, s.state.node.memory_limit_bytes);
  if (fits) return std::nullopt;
  fits.error().param.clear();  // the call's own fields are not at fault
  return std::move(fits.error());
}

std::optional<Error> queue_refuses(Stepping& s, const EndpointState& endpoint, MonoTime deadline) {
  const auto waiting = static_cast<int>(endpoint.waiting.size());
  if (waiting == 0 && !endpoint.open.empty()) return std::nullopt;
  const Capacity capacity = capacity_of(s.state, endpoint);
  // A queue that will grow more slots is not yet at its full speed: count the slots that it may have.
  const int most = endpoint.scaling.max * std::max(endpoint.revision.calls_per_instance, 1);
  const WaitQuestion question{.waiting = waiting,
                              .running = capacity.running,
                              .slots = std::max(capacity.slots, most),
                              .service = endpoint.service,
                              .start = nanoseconds{0},
                              .limits = endpoint.revision.spec.limits,
                              .time_left = deadline == MonoTime::max() ? nanoseconds::max() : deadline - s.now};
  return refuse_wait(question);
}

domain::Tier tier_of(const Stepping& s, const EndpointState& endpoint, const std::pair<const WorkerId, WorkerState>* worker) {
  if (endpoint.revision.by_instances()) {
    if (endpoint.waiting.empty() && !endpoint.open.empty()) return domain::Tier::kWarm;
    return capacity_of(s.state, endpoint).frozen ? domain::Tier::kParked : domain::Tier::kCold;
  }
  if (worker == nullptr || worker->second.phase == WorkerPhase::kStarting) return domain::Tier::kCold;
  return worker->second.phase == WorkerPhase::kReady ? domain::Tier::kWarm : domain::Tier::kParked;
}

bool is_paid(domain::Outcome outcome) {
  return outcome == domain::Outcome::kOk || outcome == domain::Outcome::kLeft || outcome == domain::Outcome::kTimeout || outcome == domain::Outcome::kFailed;
}

// The one usage record of an accepted call, and the end of the core's knowledge of it.
void record(Stepping& s, CallId id, domain::Outcome outcome, nanoseconds busy, int64_t prompt_tokens, int64_t completion_tokens, DecisionId why) {
  const CallState& call = s.state.calls.at(id);
  const auto revision = s.state.revisions.find(call.revision);
  const int64_t memory_mib = revision == s.state.revisions.end() ? 0 : revision->second.memory_mib;
  const bool ran = call.dispatched != MonoTime{};
  const bool paid = ran && is_paid(outcome);
  domain::UsageRecord record{.call = id,
                             .endpoint = call.endpoint,
                             .revision = call.revision,
                             .ended = call.wall + std::chrono::duration_cast<milliseconds>(s.now - call.arrived),
                             .tier = call.tier,
                             .outcome = outcome,
                             .queued = (ran ? call.dispatched : s.now) - call.arrived,
                             .start = call.start,
                             .busy = busy,
                             .first_byte = call.first_text ? *call.first_text - call.arrived : nanoseconds{0},
                             .total = s.now - call.arrived,
                             .billed_ms = paid ? domain::billed_milliseconds(busy) : 0,
                             .memory_mib = memory_mib,
                             .cost = 0,
                             .prompt_tokens = prompt_tokens,
                             .completion_tokens = completion_tokens};
  if (paid) record.cost = domain::cost_of_call(record.billed_ms, memory_mib, s.state.node.prices);
  if (const auto endpoint = s.state.endpoints.find(call.endpoint); endpoint != s.state.endpoints.end() && call.in_demand)
    endpoint->second.demand.changed(-1, calls_per_worker(endpoint->second), s.now, s.state.gaps);
  s.state.due_calls.erase({call.due, id});
  s.state.calls.erase(id);
  s.act(RecordUsage{.record = std::move(record)}, why);
}

}  // namespace

void set_due(State& state, CallId id, CallState& call, MonoTime due) {
  state.due_calls.erase({call.due, id});
  call.due = due;
  state.due_calls.insert({due, id});
}

void on_arrived(Stepping& s, const CallArrived& event) {
  if (event.alone) s.state.engine_cores = s.state.node.cores;
  const auto found = s.state.endpoints.find(event.endpoint);
  if (found == s.state.endpoints.end()) {
    refuse(s, event,
           {.kind = ErrorKind::kNotFound,
            .message = fmt::format("the model '{}' does not exist: `ebb ps` lists the endpoints", event.endpoint),
            .param = "model",
            .code = "model_not_found"});
    return;
  }
  EndpointState& endpoint = found->second;
  const auto* worker = current_worker(s.state, endpoint);
  std::optional<Error> error = closed(s, endpoint);
  if (!error && worker == nullptr) error = too_large(s, endpoint);
  if (!error) error = queue_refuses(s, endpoint, event.deadline);
  if (error) return refuse(s, event, std::move(*error));

  CallState call{.endpoint = event.endpoint,
                 .revision = endpoint.revision.id,
                 .arrived = s.now,
                 .deadline = event.deadline,
                 .wall = event.wall,
                 .tier = tier_of(s, endpoint, worker)};
  const auto entered = s.state.calls.emplace(event.call, std::move(call));
  EBB_CHECK(entered.second);
  set_due(s.state, event.call, entered.first->second, std::min(event.deadline, s.now + endpoint.revision.spec.limits.wait));
  endpoint.waiting.push_back(event.call);
  endpoint.last_call = s.now;
  endpoint.demand.changed(1, calls_per_worker(endpoint), s.now, s.state.gaps);
  expect(s.state, event.endpoint, endpoint, MonoTime::max());
  s.state.hungry.insert(event.endpoint);
}

void dispatch(Stepping& s, CallId id, WorkerId worker_id) {
  WorkerState& worker = s.state.workers.at(worker_id);
  EndpointState& endpoint = s.state.endpoints.at(worker.endpoint);
  CallState& call = s.state.calls.at(id);
  EBB_CHECK(static_cast<int>(worker.running.size()) < worker.slots);
  call.worker = worker_id;
  call.revision = worker.revision;
  call.dispatched = s.now;
  if (call.arrived < worker.ready_at) call.start = worker.ready_at - std::max(call.arrived, worker.start_began);
  const milliseconds last_word = worker.instance ? kFunctionLastWordMax : milliseconds(0);
  set_due(s.state, id, call, std::min(call.deadline, s.now + endpoint.revision.spec.limits.time + last_word));
  if (worker.running.empty()) worker.progress = s.now;
  worker.running.insert(id);
  worker.meter.dispatched(id, s.now);
  s.touch(worker_id);
  const nanoseconds queued = s.now - call.arrived;
  const DecisionId why = s.decide(
      {.what = "dispatch",
       .endpoint = call.endpoint,
       .because = call.tier == domain::Tier::kWarm ? std::string_view("a slot was free in a ready worker") : std::string_view("its worker became ready"),
       .call = id,
       .worker = worker_id,
       .inputs = {{"tier", Text(to_string(call.tier))}, {"waited", queued}, {"slots busy", Of{static_cast<int64_t>(worker.running.size()), worker.slots}}}});
  s.act(Dispatch{.call = id, .worker = worker_id, .tier = call.tier, .queued = queued, .start = call.start}, why);
}

void on_first_text(Stepping& s, const CallFirstText& event) {
  const auto call = s.state.calls.find(event.call);
  if (call != s.state.calls.end() && !call->second.first_text) call->second.first_text = s.now;
}

void on_ended(Stepping& s, const CallEnded& event) {
  const auto found = s.state.calls.find(event.call);
  if (found == s.state.calls.end() || !found->second.worker) return;
  const CallState call = found->second;
  WorkerState& worker = s.state.workers.at(call.worker);
  const nanoseconds busy = worker.meter.finished(event.call, s.now);
  worker.running.erase(event.call);
  worker.progress = s.now;
  if (worker.running.empty()) worker.idle_since = s.now;
  s.touch(call.worker);
  const domain::Outcome outcome = call.cancelled.value_or(event.outcome);
  if (const auto endpoint = s.state.endpoints.find(call.endpoint); endpoint != s.state.endpoints.end()) {
    EndpointState& e = endpoint->second;
    e.last_call = s.now;
    if (outcome == domain::Outcome::kOk) {
      const nanoseconds took = s.now - call.dispatched;
      e.service = e.service.count() == 0 ? took : (e.service * 7 + took) / 8;
      if (call.revision == e.revision.id) e.failures = 0;
    }
    s.state.hungry.insert(call.endpoint);
  }
  record(s, event.call, outcome, busy, event.prompt_tokens, event.completion_tokens, {});
}

void end_waiting(Stepping& s, CallId id, domain::Outcome outcome, Error error, std::string_view what) {
  CallState& call = s.state.calls.at(id);
  EBB_CHECK(!call.worker);
  if (const auto endpoint = s.state.endpoints.find(call.endpoint); endpoint != s.state.endpoints.end()) std::erase(endpoint->second.waiting, id);
  const DecisionId why =
      s.decide({.what = what, .endpoint = call.endpoint, .because = error.message, .call = id, .inputs = {{"waited", s.now - call.arrived}}});
  if (outcome != domain::Outcome::kLeft) s.act(AnswerError{.call = id, .error = std::move(error)}, why);
  call.dispatched = {};
  record(s, id, outcome, nanoseconds{0}, 0, 0, why);
}

namespace {

void cancel(Stepping& s, CallId id, CallState& call, domain::Outcome as, std::string because) {
  call.cancelled = as;
  set_due(s.state, id, call, s.now + kCancelMax);
  const DecisionId why = s.decide({.what = "cancel", .endpoint = call.endpoint, .because = std::move(because), .call = id, .worker = call.worker});
  s.act(CancelCall{.call = id, .worker = call.worker}, why);
}

}  // namespace

void on_left(Stepping& s, const CallLeft& event) {
  const auto found = s.state.calls.find(event.call);
  if (found == s.state.calls.end()) return;
  CallState& call = found->second;
  if (!call.worker)
    return end_waiting(s, event.call, domain::Outcome::kLeft, {.kind = ErrorKind::kCancelled, .message = "the client left while it waited"}, "left");
  if (!call.cancelled) cancel(s, event.call, call, domain::Outcome::kLeft, "the client left");
}

void check_due_calls(Stepping& s) {
  while (!s.state.due_calls.empty() && s.state.due_calls.begin()->first <= s.now) {
    const CallId id = s.state.due_calls.begin()->second;
    CallState& call = s.state.calls.at(id);
    if (!call.worker) {
      end_waiting(s, id, domain::Outcome::kTimeout,
                  {.kind = ErrorKind::kTimeout, .message = fmt::format("no slot was free within {} ms", ms(s.now - call.arrived)), .retry_after = seconds(1)},
                  "timeout");
    } else if (call.cancelled) {
      set_due(s.state, id, call, MonoTime::max());
      WorkerState& worker = s.state.workers.at(call.worker);
      if (!worker.killed) kill_worker(s, call.worker, worker, Ending::kFault, fmt::format("a cancelled call did not end within {} s", kCancelMax.count()));
    } else {
      const bool draining = s.state.draining && s.now >= s.state.drain_until;
      Error error{.kind = draining ? ErrorKind::kUnavailable : ErrorKind::kTimeout,
                  .message = draining ? "the server shut down before the answer was whole"
                                      : fmt::format("the answer was not whole after {} ms", ms(s.now - call.dispatched))};
      cancel(s, id, call, draining ? domain::Outcome::kFault : domain::Outcome::kTimeout, error.message);
      call.answered = true;
      s.act(AnswerError{.call = id, .error = std::move(error)}, {});
    }
  }
}

void survive_death(Stepping& s, CallId id, const std::string& reason) {
  CallState& call = s.state.calls.at(id);
  const nanoseconds busy = s.state.workers.at(call.worker).meter.finished(id, s.now);
  if (call.cancelled) return record(s, id, *call.cancelled, busy, 0, 0, {});  // the caller has left or been told
  ++call.kills;
  const MonoTime wait_until = std::min(call.deadline, call.arrived + s.state.revisions.at(call.revision).spec.limits.wait);
  const auto endpoint = s.state.endpoints.find(call.endpoint);
  const bool time_left = s.now < wait_until && endpoint != s.state.endpoints.end() && !s.state.draining;
  const AfterDeath after = after_death(call.first_text.has_value() || call.committed, call.kills, time_left);
  if (after == AfterDeath::kRetry) {
    s.decide({.what = "retry",
              .endpoint = call.endpoint,
              .because = fmt::format("its worker died before the first byte ({})", reason),
              .call = id,
              .worker = call.worker});
    call.worker = {};
    call.dispatched = {};
    call.revision = endpoint->second.revision.id;
    set_due(s.state, id, call, wait_until);
    endpoint->second.waiting.push_front(id);
    s.state.hungry.insert(call.endpoint);
    return;
  }
  Error error{
      .kind = ErrorKind::kUnavailable, .message = fmt::format("the worker died while it answered ({}); nothing was billed", reason), .code = "worker_died"};
  if (after == AfterDeath::kPoison)
    error = {.kind = ErrorKind::kPoison,
             .message = fmt::format("{} workers died while they ran this request, the last one by: {}; it is not tried again", call.kills, reason),
             .code = "poison_request"};
  const DecisionId why = s.decide(
      {.what = after == AfterDeath::kPoison ? "poison" : "fault", .endpoint = call.endpoint, .because = error.message, .call = id, .worker = call.worker});
  s.act(AnswerError{.call = id, .error = std::move(error)}, why);
  record(s, id, domain::Outcome::kFault, busy, 0, 0, why);
}

}  // namespace ebb::control
