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

// Its whole share of the worker's time. The others' shares are split anew only when something changes for them.
nanoseconds end_of_run(WorkerState& worker, CallId id, const CallState& call, MonoTime at) {
  return call.ran + (call.held_since ? nanoseconds(0) : worker.meter.finished(id, at));
}

bool pays(domain::Outcome outcome) {
  return outcome == domain::Outcome::kOk || outcome == domain::Outcome::kLeft || outcome == domain::Outcome::kTimeout || outcome == domain::Outcome::kFailed;
}

// The one usage record of an accepted call, and the end of the core's knowledge of it.
void record(Stepping& s, CallId id, domain::Outcome outcome, nanoseconds busy, int64_t prompt_tokens, int64_t completion_tokens, DecisionId why) {
  const CallState& call = s.state.calls.at(id);
  const auto revision = s.state.revisions.find(call.revision);
  const int64_t memory_mib = revision == s.state.revisions.end() ? 0 : revision->second.memory_mib;
  const bool ran = call.dispatched != MonoTime{};
  const bool paid = ran && pays(outcome) && (outcome == domain::Outcome::kOk || busy.count() > 0);
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
                             .prompt_tokens = paid ? prompt_tokens : 0,
                             .completion_tokens = paid ? completion_tokens : 0,
                             .tenant = call.tenant,
                             .key = call.key,
                             .prices = call.prices};
  if (paid) price(s.state, call, record);
  spend(s, call, record.cost, record.ended);
  count_over(s, call, record);
  if (const auto endpoint = s.state.endpoints.find(call.endpoint); endpoint != s.state.endpoints.end() && call.in_demand) {
    EndpointState& e = endpoint->second;
    count_demand(s, e, -1);
    if (call.worker) e.waiting.settle(call.priority, call.tenant, call.charged, service_of(prompt_tokens, completion_tokens, busy));
  }
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

void on_first_text(Stepping& s, const CallFirstText& event) {
  const auto call = s.state.calls.find(event.call);
  if (call != s.state.calls.end() && !call->second.first_text) call->second.first_text = s.now;
}

void on_ended(Stepping& s, const CallEnded& event) {
  const auto found = s.state.calls.find(event.call);
  if (found == s.state.calls.end() || !found->second.worker) return;
  const CallState& call = found->second;
  WorkerState& worker = s.state.workers.at(call.worker);
  const nanoseconds busy = end_of_run(worker, event.call, call, std::min(s.now, event.at));
  const int beside = static_cast<int>(worker.running.size());
  worker.running.erase(event.call);
  worker.held.erase(event.call);
  worker.progress = s.now;
  if (worker.running.empty()) worker.idle_since = s.now;
  const domain::Outcome outcome = call.cancelled.value_or(event.outcome);
  if (const auto endpoint = s.state.endpoints.find(call.endpoint); endpoint != s.state.endpoints.end()) {
    EndpointState& e = endpoint->second;
    e.last_call = s.now;
    if (outcome == domain::Outcome::kOk) {
      learn(e.service, s.now - call.dispatched - call.held);
      ended_well(worker.at_once, beside, worker.slots);
      if (call.revision == e.revision.id) e.failures = 0;
    }
    s.state.hungry.insert(call.endpoint);
  }
  s.touch(call.worker);
  record(s, event.call, outcome, busy, event.prompt_tokens, event.completion_tokens, {});
}

void end_waiting(Stepping& s, CallId id, domain::Outcome outcome, Error error, std::string_view what) {
  CallState& call = s.state.calls.at(id);
  EBB_CHECK(!call.worker);
  if (const auto endpoint = s.state.endpoints.find(call.endpoint); endpoint != s.state.endpoints.end())
    endpoint->second.waiting.erase(call.priority, call.tenant, id);
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

namespace {

// It had more time than hardly a call takes, and was late: too many ran beside it. One that asked for the impossible says nothing, nor one that is long.
void slow_down(Stepping& s, const CallState& call) {
  const auto endpoint = s.state.endpoints.find(call.endpoint);
  const nanoseconds given = s.now - call.dispatched - call.held;
  if (call.held_since || endpoint == s.state.endpoints.end() || given <= most(endpoint->second.service)) return;
  WorkerState& worker = s.state.workers.at(call.worker);
  const int before = worker.at_once.most;
  ended_late(worker.at_once, static_cast<int>(worker.running.size()), endpoint->second.service.mean, s.now);
  if (worker.at_once.most == before) return;
  s.decide({.what = "slow down",
            .endpoint = call.endpoint,
            .because = "a call was cut off at its deadline although it had more time than calls take: fewer run at once",
            .worker = call.worker,
            .inputs = {
                {"at once", Of{worker.at_once.most, worker.slots}}, {"it ran for", given}, {"hardly a call takes more than", most(endpoint->second.service)}}});
  s.touch(call.worker);
}

}  // namespace

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
      if (!draining) slow_down(s, call);
      cancel(s, id, call, draining ? domain::Outcome::kFault : domain::Outcome::kTimeout, error.message);
      call.answered = true;
      s.act(AnswerError{.call = id, .error = std::move(error)}, {});
    }
  }
}

void survive_death(Stepping& s, CallId id, const std::string& reason) {
  CallState& call = s.state.calls.at(id);
  const nanoseconds busy = end_of_run(s.state.workers.at(call.worker), id, call, s.now);
  if (call.cancelled) return record(s, id, *call.cancelled, busy, 0, 0, {});  // the caller has left or been told
  ++call.kills;
  const MonoTime wait_until = std::min(call.deadline, call.arrived + s.state.revisions.at(call.revision).spec.limits.wait);
  const auto endpoint = s.state.endpoints.find(call.endpoint);
  const bool time_left = s.now < wait_until && endpoint != s.state.endpoints.end() && !s.state.draining;
  const AfterDeath after = after_death(call.first_text.has_value() || call.committed, call.kills, time_left);
  if (after == AfterDeath::kRetry && take_retry(endpoint->second.retries)) {
    s.decide({.what = "retry",
              .endpoint = call.endpoint,
              .because = fmt::format("its worker died before the first byte ({})", reason),
              .call = id,
              .worker = call.worker});
    EndpointState& e = endpoint->second;
    if (call.in_demand)
      e.waiting.settle(call.priority, call.tenant, call.charged, std::nullopt);
    else
      count_demand(s, e, 1);  // its endpoint came back meanwhile
    call.in_demand = true;
    call.worker = {};
    call.dispatched = {};
    call.held_since.reset();
    call.held = call.ran = nanoseconds(0);
    call.revision = e.revision.id;
    set_due(s.state, id, call, wait_until);
    e.waiting.push_front(call.priority, call.tenant, id);
    s.state.hungry.insert(call.endpoint);
    return;
  }
  Error error{
      .kind = ErrorKind::kUnavailable, .message = fmt::format("the worker died while it answered ({}); nothing was billed", reason), .code = "worker_died"};
  if (after == AfterDeath::kRetry)
    error = {.kind = ErrorKind::kUnavailable,
             .message = fmt::format("the worker died before it answered ({}), and so many calls of this endpoint were tried again lately that this one is not",
                                    reason),
             .code = "worker_died",
             .retry_after = seconds(1)};
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
