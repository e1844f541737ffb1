// One worker: started, ready, parked, dead, measured.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "base/check.h"
#include "control/core_policy.h"
#include "control/failure_policy.h"
#include "control/scale_policy.h"
#include "control/stepping.h"
#include "domain/limits.h"

namespace ebb::control {

namespace {

// After a Resize that the worker could not do, for want of memory that was not seen here.
constexpr seconds kGrowPause{2};

void count_failure(Stepping& s, EndpointState& endpoint, const WorkerDied& event, bool while_starting) {
  ++endpoint.failures;
  endpoint.last_failure = event.error ? event.error->message : event.reason;
  const bool typed = event.error && while_starting;
  // A worker that says itself why its model does not load will say the same next time.
  if (typed) endpoint.failures = std::max(endpoint.failures, kBreakerFailures);
  endpoint.backoff_until = s.now + back_off(endpoint.failures);
  s.decide({.what = "failed",
            .endpoint = endpoint.revision.spec.name,
            .because = fmt::format("its worker died: {}", endpoint.last_failure),
            .worker = event.worker,
            .inputs = {{"deaths in a row", int64_t{endpoint.failures}},
                       {"next start in", nanoseconds(std::chrono::ceil<milliseconds>(endpoint.backoff_until - s.now))}}});
  if (endpoint.failures < kBreakerFailures) return;
  const Error error{
      .kind = ErrorKind::kUnavailable,
      .message = typed ? fmt::format("the {}: {}", endpoint.revision.by_instances() ? "function does not start" : "model does not load", endpoint.last_failure)
                       : fmt::format("{} workers of this endpoint died in a row, the last one by: {}", endpoint.failures, endpoint.last_failure),
      .code = "worker_failed",
      .retry_after = std::chrono::ceil<milliseconds>(endpoint.backoff_until - s.now)};
  // A function that does not start is no fault of ours; its calls cost nothing all the same, since none ran.
  const bool own = typed && endpoint.revision.by_instances();
  tell_waiting(s, endpoint, own ? domain::Outcome::kFailed : domain::Outcome::kFault, error, "breaker");
}

// What a worker's end or park gives back to the machine: not its weights, which are clean pages of a file and count as available already.
void credit_freed(State& state, uint64_t freed_bytes, RevisionId revision) {
  const auto found = state.revisions.find(revision);
  const uint64_t weights = found == state.revisions.end() ? 0 : found->second.weights_bytes();
  if (freed_bytes > weights) state.available_bytes += freed_bytes - weights;
}

void record_init(Stepping& s, const WorkerState& worker) {
  const int64_t memory_mib = s.state.revisions.at(worker.revision).memory_mib;
  const nanoseconds took = s.now - worker.start_began;
  domain::UsageRecord record{.endpoint = worker.endpoint, .revision = worker.revision, .tier = domain::Tier::kInit, .start = took, .busy = took, .total = took};
  record.billed_ms = domain::billed_milliseconds(took);
  record.memory_mib = memory_mib;
  record.prices = s.state.prices;
  record.cost = domain::cost_of_init(s.state.price_lists.at(record.prices), domain::mib_milliseconds(record.billed_ms, memory_mib));
  record.list_cost = record.cost;
  s.act(RecordInit{.record = std::move(record)}, {});
}

int slots_most(const State& state, const WorkerState& worker) {
  const auto found = state.revisions.find(worker.revision);
  return found == state.revisions.end() ? 1 : control::slots_most(found->second.spec.scaling, found->second.spec.engine);
}

// A worker ends a function that is not ready in time by itself; this is for a worker that does not.
constexpr seconds kStartSlack{30};

nanoseconds load_time_of(const State& state, const WorkerState& worker) {
  const auto found = state.revisions.find(worker.revision);
  if (found != state.revisions.end() && found->second.function) {
    const domain::Function& function = *found->second.function;
    return found->second.spec.function->start.value_or(domain::contract_defaults(function.contract).start_max) + kStartSlack;
  }
  return load_time_max(found == state.revisions.end() ? 0 : found->second.weights_bytes());
}

}  // namespace

bool loads(const WorkerState& worker) { return worker.phase == WorkerPhase::kStarting || worker.phase == WorkerPhase::kWaking; }

int calls_per_worker(const EndpointState& endpoint) {
  return endpoint.revision.by_instances() ? endpoint.revision.calls_per_instance : std::numeric_limits<int>::max() / 2;
}

bool busy(const WorkerState& worker) { return !worker.killed && (!worker.running.empty() || loads(worker) || worker.resizing); }

bool is_current(const EndpointState& endpoint, const WorkerState& worker) {
  return worker.revision == endpoint.revision.id && !worker.draining && !worker.killed;
}

std::pair<const WorkerId, WorkerState>* current_worker(State& state, const EndpointState& endpoint) {
  return endpoint.live.empty() ? nullptr : &*state.workers.find(*endpoint.live.begin());
}

namespace {

std::string_view why_start(const EndpointState& endpoint, int slots) {
  if (slots == 0) return "the next call that needs an instance shall find it prepared";
  if (endpoint.waiting.empty()) return "slots are to be kept warm: scaling.min, scaling.provisioned or its schedule";
  return endpoint.revision.by_instances() ? "more calls wait than its instances can take" : "calls wait and no worker lives";
}

}  // namespace

void start_worker(Stepping& s, EndpointState& endpoint, int slots, std::optional<Ahead> ahead) {
  const domain::Revision& revision = endpoint.revision;
  const WorkerId id{s.state.next_worker++};
  const Need need = need_of(s.state, endpoint);
  const NodeMemory memory = memory_now(s.state);
  WorkerState worker{
      .endpoint = revision.spec.name, .revision = revision.id, .phase = WorkerPhase::kStarting, .slots = slots, .instance = revision.by_instances()};
  if (revision.by_instances()) {
    worker.admitted_bytes = slots == 0 ? domain::kInstanceBaseBytes : needed_bytes(need, 1);
  } else {
    worker.admitted_bytes = needed_bytes(need, slots);
  }
  worker.phase_since = worker.progress = worker.start_began = worker.idle_since = s.now;
  worker.load_by = s.now + load_time_of(s.state, worker);
  const Text needs_by = need.measured_bytes ? Text("measurement") : revision.by_instances() ? Text("its memory limit") : Text("the model's header");
  Inputs inputs{{"waiting", static_cast<int64_t>(endpoint.waiting.size())},
                {"slots", int64_t{slots}},
                {"needs", Bytes{worker.admitted_bytes}},
                {"room", Bytes{room_bytes(memory)}},
                {"needs by", needs_by}};
  if (ahead) inputs.insert(inputs.begin(), ahead->inputs.begin(), ahead->inputs.end());
  const DecisionId why = s.decide({.what = "start",
                                   .endpoint = revision.spec.name,
                                   .because = ahead ? ahead->because : why_start(endpoint, slots),
                                   .worker = id,
                                   .inputs = std::move(inputs)});
  s.state.workers.emplace(id, std::move(worker));
  s.act(StartWorker{.worker = id, .revision = revision.id, .endpoint = revision.spec.name, .slots = slots, .threads = 1}, why);
  s.memory_moved = true;
  s.touch(id);
}

void wake_worker(Stepping& s, WorkerId id, WorkerState& worker, int slots, std::optional<Ahead> ahead) {
  const EndpointState& endpoint = s.state.endpoints.at(worker.endpoint);
  const uint64_t held = bytes_of(worker);
  worker.phase = WorkerPhase::kWaking;
  worker.slots = slots;
  const bool thaws = endpoint.revision.by_instances() && !worker.fresh;
  const Need need = need_of(s.state, endpoint);
  worker.admitted_bytes = endpoint.revision.by_instances() ? (thaws ? bytes_of(worker) : needed_bytes(need, 1))
                                                           : held + static_cast<uint64_t>(slots) * endpoint.revision.slot_bytes();
  worker.phase_since = worker.progress = worker.start_began = s.now;
  worker.load_by = s.now + load_time_of(s.state, worker);
  if (thaws) {
    // What stood still goes on: its calls go after the order, and no answer is waited for.
    worker.phase = WorkerPhase::kReady;
    worker.ready_at = worker.idle_since = s.now;
  }
  const bool by_instances = endpoint.revision.by_instances();
  const Text because = ahead           ? Text(fmt::format("{}, and this instance is prepared", ahead->because))
                       : !by_instances ? Text("calls wait and its worker is parked")
                       : thaws         ? Text("calls wait and this instance is frozen")
                                       : Text("calls wait and this instance is prepared");
  Inputs inputs{{"waiting", static_cast<int64_t>(endpoint.waiting.size())}, {"slots", int64_t{slots}}};
  if (ahead) inputs.insert(inputs.begin(), ahead->inputs.begin(), ahead->inputs.end());
  const DecisionId why = s.decide({.what = "wake", .endpoint = worker.endpoint, .because = because, .worker = id, .inputs = std::move(inputs)});
  s.act(Unpark{.worker = id, .slots = slots}, why);
  s.memory_moved = true;
  s.touch(id);
}

void park_worker(Stepping& s, WorkerId id, WorkerState& worker, Text because) {
  EBB_CHECK(worker.running.empty() && worker.held.empty());
  worker.phase = WorkerPhase::kParking;
  worker.load_by = s.now + kChangeMax;
  worker.phase_since = worker.progress = s.now;
  const DecisionId why = s.decide({.what = "park",
                                   .endpoint = worker.endpoint,
                                   .because = std::move(because),
                                   .worker = id,
                                   .inputs = {{"idle for", s.now - worker.idle_since}, {"takes", Bytes{worker.pss_bytes}}}});
  s.act(Park{.worker = id}, why);
  s.touch(id);
}

void kill_worker(Stepping& s, WorkerId id, WorkerState& worker, Ending how, std::string because) {
  EBB_CHECK(!worker.killed);
  worker.killed = true;
  worker.end_expected = how != Ending::kFault;
  worker.ends_gently = how == Ending::kGently && worker.instance;
  const DecisionId why = s.decide({.what = worker.end_expected ? "end" : "kill",
                                   .endpoint = worker.endpoint,
                                   .because = because,
                                   .worker = id,
                                   .inputs = {{"takes", Bytes{worker.pss_bytes}}}});
  s.act(KillWorker{.worker = id, .reason = std::move(because), .grace = worker.ends_gently ? domain::kFunctionEndTimeMax : milliseconds(0)}, why);
  s.touch(id);
}

namespace {

// Where some are kept ready, what becomes of an idle instance depends on how many others are.
void touch_siblings(Stepping& s, const WorkerState& worker) {
  const auto endpoint = s.state.endpoints.find(worker.endpoint);
  if (!worker.instance || endpoint == s.state.endpoints.end() || endpoint->second.scaling.min == 0) return;
  for (const WorkerId id : endpoint->second.live)
    s.touched.push_back(id);
}

}  // namespace

namespace {

void learn_start(Stepping& s, const WorkerState& worker) {
  const auto endpoint = s.state.endpoints.find(worker.endpoint);
  const bool counts = endpoint != s.state.endpoints.end() && worker.revision == endpoint->second.revision.id && worker.slots > 0;
  if (!counts) return;
  const nanoseconds took = s.now - worker.start_began;
  nanoseconds& known = endpoint->second.start_takes;
  known = known.count() == 0 ? took : (known * 3 + took) / 4;
}

}  // namespace

void on_ready(Stepping& s, const WorkerReady& event) {
  const auto found = s.state.workers.find(event.worker);
  if (found == s.state.workers.end()) return;
  WorkerState& worker = found->second;
  worker.progress = s.now;
  if (worker.resizing || loads(worker)) worker.measured = false;
  if (event.alone) s.state.engine_cores = s.state.node.cores;
  // A worker may say any number of slots: beyond what its owner allows they are not used.
  if (worker.resizing) {
    const int slots = std::clamp(event.slots, 0, std::max(worker.resize_to, worker.slots));
    worker.resizing = false;
    if (slots < worker.resize_to) worker.grow_after = s.now + kGrowPause;
    worker.slots = std::max(slots, static_cast<int>(worker.running.size()));
  } else if (loads(worker)) {
    const bool woke = worker.phase == WorkerPhase::kWaking;
    if (worker.fresh) learn_start(s, worker);
    worker.slots = std::clamp(event.slots, 0, worker.instance ? worker.slots : slots_most(s.state, worker));
    worker.phase = worker.slots > 0 ? WorkerPhase::kReady : WorkerPhase::kParked;
    worker.phase_since = worker.ready_at = worker.idle_since = s.now;
    if (worker.slots > 0 && std::exchange(worker.fresh, false) && worker.instance) {
      worker.pss_bytes = 0;  // it was that of an empty sandbox: until it is measured again, it counts for what was admitted
      record_init(s, worker);
    }
    if (woke && worker.slots == 0) {
      worker.grow_after = s.now + kGrowPause;
      s.decide({.what = "wait",
                .endpoint = worker.endpoint,
                .because = "its worker found no memory for one slot and stays parked",
                .worker = event.worker,
                .inputs = {{"again in", nanoseconds(kGrowPause)}}});
    }
  }
  s.memory_moved = true;
  s.touch(event.worker);
  touch_siblings(s, worker);
  s.state.hungry.insert(worker.endpoint);
}

void on_parked(Stepping& s, const WorkerParked& event) {
  const auto found = s.state.workers.find(event.worker);
  if (found == s.state.workers.end() || found->second.phase != WorkerPhase::kParking) return;
  WorkerState& worker = found->second;
  const uint64_t before = bytes_of(worker);
  worker.phase = WorkerPhase::kParked;
  worker.phase_since = s.now;
  worker.slots = 0;
  if (!worker.instance) {  // what is frozen keeps its memory
    worker.pss_bytes = 0;  // measured again soon; until then it is taken for what is admitted
    worker.measured = false;
    worker.admitted_bytes = std::min(before, domain::kWorkerBaseBytes + s.state.revisions.at(worker.revision).weights_bytes());
    s.state.available_bytes += before - worker.admitted_bytes;
  }
  s.memory_moved = true;
  s.touch(event.worker);
  s.state.hungry.insert(worker.endpoint);
}

void on_died(Stepping& s, const WorkerDied& event) {
  const auto found = s.state.workers.find(event.worker);
  if (found == s.state.workers.end()) return;
  const WorkerState worker = found->second;
  // In reverse, so that those which are tried again stand at the front of the queue in their old order.
  for (const std::set<CallId>& calls : {worker.held, worker.running}) {
    for (auto call = calls.rbegin(); call != calls.rend(); ++call)
      survive_death(s, *call, event.reason);
  }
  // What was only admitted, for a load that never ended, gives nothing back.
  credit_freed(s.state, loads(worker) ? worker.pss_bytes : bytes_of(worker), worker.revision);
  forget_worker(s.state, event.worker);
  s.memory_moved = true;
  const auto endpoint = s.state.endpoints.find(worker.endpoint);
  if (endpoint != s.state.endpoints.end()) {
    // A function that ends while it serves is its caller's affair: the next call gets another instance.
    const bool counts = !worker.instance || worker.fresh;
    if (!worker.end_expected && counts && endpoint->second.revision.id == worker.revision) count_failure(s, endpoint->second, event, worker.fresh);
    s.state.hungry.insert(worker.endpoint);
  }
  // Its memory is free: whoever waits for room may have it.
  for (const auto& [name, other] : s.state.endpoints) {
    if (!other.waiting.empty()) s.state.hungry.insert(name);
  }
  forget_if_unused(s.state, worker.endpoint, worker.revision);
}

void on_readings(Stepping& s, const Readings& event) {
  s.state.available_bytes = event.node_available_bytes;
  s.memory_moved = true;
  s.state.engine_cores = cores_for_engines(s.state.node.cores, event.cores_busy_elsewhere, s.state.engine_cores);
  for (const WorkerMemory& reading : event.workers) {
    const auto found = s.state.workers.find(reading.worker);
    if (found == s.state.workers.end()) continue;
    WorkerState& worker = found->second;
    worker.pss_bytes = reading.pss_bytes;
    worker.measured = !loads(worker) && !worker.resizing;
    index_worker(s.state, reading.worker, worker);
    const auto endpoint = s.state.endpoints.find(worker.endpoint);
    if (endpoint == s.state.endpoints.end() || worker.phase != WorkerPhase::kReady || endpoint->second.revision.id != worker.revision) continue;
    EndpointState& e = endpoint->second;
    // Calls share what an instance takes.
    const bool by_instances = e.revision.by_instances();
    const bool other_slots = !by_instances && worker.slots != e.measured_slots;
    if (!e.measured_bytes || other_slots || reading.pss_bytes > *e.measured_bytes) {
      e.measured_bytes = reading.pss_bytes;
      e.measured_slots = by_instances ? 1 : worker.slots;
    }
  }
}

}  // namespace ebb::control
