// Each part of the state as one object, in the order of its map.
#include "control/describe.h"

#include "control/view.h"

namespace ebb::control {

namespace {

int64_t ns(MonoTime at) { return at.time_since_epoch().count(); }

// Nothing is written for a time that will never come.
json::value when(MonoTime at) { return at == MonoTime::max() ? json::value() : json::value(ns(at)); }

json::object describe_node(const State& state) {
  return {{"memory_limit_bytes", state.node.memory_limit_bytes},
          {"memory_reserve_bytes", state.node.memory_reserve_bytes},
          {"available_bytes", state.available_bytes},
          {"cores", state.node.cores},
          {"engine_cores", state.engine_cores},
          {"draining", state.draining},
          {"store_writable", state.store_writable},
          {"store_why", state.store_why},
          {"wake", when(state.wake)},
          {"rotate_at", when(state.rotate_at)}};
}

json::object describe_endpoint(const EndpointState& endpoint) {
  json::array waiting;
  for (const CallId id : endpoint.waiting)
    waiting.emplace_back(to_hex(id.value));
  json::object out{{"revision", endpoint.revision.id.value},        {"waiting", std::move(waiting)},         {"failures", endpoint.failures},
                   {"backoff_until", when(endpoint.backoff_until)}, {"last_failure", endpoint.last_failure}, {"service_ns", endpoint.service.count()},
                   {"last_call", when(endpoint.last_call)}};
  if (endpoint.measured_bytes) out["measured"] = {{"bytes", *endpoint.measured_bytes}, {"slots", endpoint.measured_slots}};
  return out;
}

json::object describe_worker(const WorkerState& worker, std::string_view word) {
  json::array running;
  for (const CallId id : worker.running)
    running.emplace_back(to_hex(id.value));
  return {{"endpoint", worker.endpoint},
          {"revision", worker.revision.value},
          {"state", word},
          {"slots", worker.slots},
          {"resize_to", worker.resizing ? json::value(worker.resize_to) : json::value()},
          {"threads", worker.threads},
          {"running", std::move(running)},
          {"busy_ns", worker.meter.busy_total().count()},
          {"admitted_bytes", worker.admitted_bytes},
          {"pss_bytes", worker.pss_bytes},
          {"start_began", when(worker.start_began)},
          {"progress", when(worker.progress)},
          {"idle_since", when(worker.idle_since)}};
}

json::object describe_call(const CallState& call) {
  return {{"endpoint", call.endpoint},
          {"revision", call.revision.value},
          {"worker", call.worker ? json::value(to_hex(call.worker.value)) : json::value()},
          {"tier", to_string(call.tier)},
          {"arrived", when(call.arrived)},
          {"deadline", when(call.deadline)},
          {"due", when(call.due)},
          {"dispatched", call.worker ? when(call.dispatched) : json::value()},
          {"first_text", call.first_text ? when(*call.first_text) : json::value()},
          {"kills", call.kills},
          {"cancelled", call.cancelled ? json::value(to_string(*call.cancelled)) : json::value()}};
}

}  // namespace

json::value describe(const State& state) {
  json::object endpoints;
  for (const auto& [name, endpoint] : state.endpoints)
    endpoints[name] = describe_endpoint(endpoint);
  json::object workers;
  for (const WorkerSummary& summary : worker_summaries(state))
    workers[to_hex(summary.worker.value)] = describe_worker(state.workers.at(summary.worker), summary.state);
  json::object calls;
  for (const auto& [id, call] : state.calls)
    calls[to_hex(id.value)] = describe_call(call);
  return json::object{{"node", describe_node(state)}, {"endpoints", std::move(endpoints)}, {"workers", std::move(workers)}, {"calls", std::move(calls)}};
}

}  // namespace ebb::control
