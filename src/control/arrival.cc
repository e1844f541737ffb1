// A call comes in: refused at once, or in the queue; and its way from there into a slot.
#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "control/failure_policy.h"
#include "control/memory_policy.h"
#include "control/stepping.h"
#include "control/wait_policy.h"

namespace ebb::control {

namespace {

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

// Those whose slots it has to wait for: batch calls stand back for others, where they can.
int running_before(const State& state, const EndpointState& endpoint, domain::Priority priority, int running) {
  const bool takes = priority != domain::Priority::kBatch && domain::can_hold(endpoint.revision.spec.engine);
  if (!takes || endpoint.live.empty()) return running;
  const WorkerState& worker = state.workers.at(*endpoint.live.begin());
  return static_cast<int>(std::ranges::count_if(worker.running, [&](CallId id) { return state.calls.at(id).priority != domain::Priority::kBatch; }));
}

WaitQuestion question_of(const Stepping& s, const EndpointState& endpoint, domain::Priority priority, const std::string& tenant, MonoTime deadline) {
  const Capacity capacity = capacity_of(s.state, endpoint);
  // A queue that will grow more slots is not yet at its full speed: count the slots that it may have.
  const int most = endpoint.scaling.max * std::max(endpoint.revision.calls_per_instance, 1);
  return {.priority = priority,
          .before = static_cast<int>(endpoint.waiting.before(priority)),
          .waiting = static_cast<int>(endpoint.waiting.size()),
          .running = running_before(s.state, endpoint, priority, capacity.running),
          .slots = capacity.slowed ? capacity.slots : std::max(capacity.slots, most),
          .ready = capacity.slots > 0,
          .service = endpoint.service,
          .limits = endpoint.revision.spec.limits,
          .time_left = deadline == MonoTime::max() ? nanoseconds::max() : deadline - s.now,
          .stands = stands(endpoint.standing, s.now),
          .may_displace = endpoint.waiting.displaced_by(priority, tenant).has_value()};
}

std::optional<Error> queue_refuses(Stepping& s, EndpointState& endpoint, const CallArrived& event, domain::Priority priority) {
  if (endpoint.waiting.empty() && !endpoint.open.empty() && event.deadline > s.now) return std::nullopt;
  const WaitQuestion question = question_of(s, endpoint, priority, event.tenant, event.deadline);
  endpoint.standing.refused = endpoint.standing.refused || reaches_limits(question);
  return refuse_wait(question);
}

// All places are taken, and the newcomer is to have one.
void make_place(Stepping& s, EndpointState& endpoint, domain::Priority priority, const std::string& tenant) {
  if (std::cmp_less(endpoint.waiting.size(), std::max(endpoint.revision.spec.limits.queue, 1))) return;
  const std::optional<CallId> displaced_call = endpoint.waiting.displaced_by(priority, tenant);
  if (!displaced_call) return;
  const CallState& call = s.state.calls.at(*displaced_call);
  end_waiting(s, *displaced_call, domain::Outcome::kRefused, displaced(question_of(s, endpoint, call.priority, call.tenant, call.deadline)), "make room");
}

// What the owner has kept ready at this time.
domain::Tier ready_tier(const EndpointState& endpoint) {
  return endpoint.scaling.min > endpoint.revision.spec.scaling.min ? domain::Tier::kProvisioned : domain::Tier::kWarm;
}

domain::Tier tier_of(const Stepping& s, const EndpointState& endpoint, const std::pair<const WorkerId, WorkerState>* worker) {
  if (endpoint.revision.by_instances()) {
    if (endpoint.waiting.empty() && !endpoint.open.empty()) return ready_tier(endpoint);
    return capacity_of(s.state, endpoint).frozen ? domain::Tier::kParked : domain::Tier::kCold;
  }
  if (worker == nullptr || worker->second.phase == WorkerPhase::kStarting) return domain::Tier::kCold;
  return worker->second.phase == WorkerPhase::kReady ? ready_tier(endpoint) : domain::Tier::kParked;
}

}  // namespace

void on_arrived(Stepping& s, const CallArrived& event) {
  if (event.alone) s.state.engine_cores = s.state.node.cores;
  turn_prices(s.state, event.wall);
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
  const domain::Priority priority = event.priority.value_or(endpoint.revision.spec.priority);
  CallState call{.endpoint = event.endpoint,
                 .priority = priority,
                 .tenant = event.tenant,
                 .revision = endpoint.revision.id,
                 .arrived = s.now,
                 .deadline = event.deadline,
                 .wall = event.wall,
                 .tier = tier_of(s, endpoint, worker),
                 .key = event.key};
  if (!error) error = exceeds_rate(s, call);
  if (!error) error = reserve(s, endpoint.revision, call, event);
  if (!error) error = queue_refuses(s, endpoint, event, priority);
  if (error) return refuse(s, event, std::move(*error));

  make_place(s, endpoint, priority, event.tenant);
  hold_reserved(s, call);
  count_begun(s, call);
  const auto entered = s.state.calls.emplace(event.call, std::move(call));
  EBB_CHECK(entered.second);
  set_due(s.state, event.call, entered.first->second, std::min(event.deadline, s.now + endpoint.revision.spec.limits.wait));
  endpoint.waiting.push(priority, event.tenant, event.call);
  accepted(endpoint.retries);
  endpoint.last_call = s.now;
  expect(s.state, event.endpoint, endpoint, MonoTime::max());
  count_demand(s, endpoint, 1);
  s.state.hungry.insert(event.endpoint);
}

namespace {

void dispatch(Stepping& s, EndpointState& endpoint, WorkerId worker_id) {
  WorkerState& worker = s.state.workers.at(worker_id);
  EBB_CHECK(free_slots(worker) > 0);
  const WaitQueue::Taken taken = endpoint.waiting.take();
  const CallId id = taken.call;
  CallState& call = s.state.calls.at(id);
  call.worker = worker_id;
  call.revision = worker.revision;
  call.charged = taken.charged;
  call.dispatched = s.now;
  if (call.arrived < worker.ready_at) call.start = worker.ready_at - std::max(call.arrived, worker.start_began);
  const milliseconds last_word = worker.instance ? kFunctionLastWordMax : milliseconds(0);
  set_due(s.state, id, call, std::min(call.deadline, s.now + endpoint.revision.spec.limits.time + last_word));
  if (worker.running.empty()) worker.progress = s.now;
  worker.running.insert(id);
  worker.meter.dispatched(id, s.now);
  s.touch(worker_id);
  const nanoseconds queued = s.now - call.arrived;
  if (call.priority == domain::Priority::kNormal)
    dispatched(endpoint.standing, queued - call.start, endpoint.waiting.next_class() != domain::Priority::kNormal, endpoint.service, s.now);
  const DecisionId why =
      s.decide({.what = "dispatch",
                .endpoint = call.endpoint,
                .because = domain::found_ready(call.tier) ? std::string_view("a slot was free in a ready worker") : std::string_view("its worker became ready"),
                .call = id,
                .worker = worker_id,
                .inputs = {{"class", Text(to_string(call.priority))},
                           {"tier", Text(to_string(call.tier))},
                           {"waited", queued},
                           {"slots busy", Of{static_cast<int64_t>(worker.running.size()), worker.slots}}}});
  s.act(Dispatch{.call = id, .worker = worker_id, .tier = call.tier, .queued = queued, .start = call.start, .priority = call.priority}, why);
}

}  // namespace

void dispatch_next(Stepping& s, EndpointState& endpoint, WorkerId worker) {
  const CallId id = endpoint.waiting.next();
  const CallState& call = s.state.calls.at(id);
  // One that finds a slot when it comes is begun, however little time it has.
  if (call.arrived < s.now && call.deadline != MonoTime::max()) {
    if (std::optional<Error> late = too_late(endpoint.service, call.deadline - s.now))
      return end_waiting(s, id, domain::Outcome::kTimeout, std::move(*late), "too late");
  }
  dispatch(s, endpoint, worker);
}

}  // namespace ebb::control
