// What replaces or removes a revision, and what becomes of its workers and of the calls that wait.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "control/failure_policy.h"
#include "control/stepping.h"

namespace ebb::control {

void tell_waiting(Stepping& s, EndpointState& endpoint, domain::Outcome outcome, const Error& error, std::string_view what) {
  for (const CallId id : endpoint.waiting.all())
    end_waiting(s, id, outcome, error, what);
}

void forget_if_unused(State& state, const std::string& name, RevisionId revision) {
  const auto endpoint = state.endpoints.find(name);
  if (endpoint != state.endpoints.end() && endpoint->second.revision.id == revision) return;
  if (std::any_of(state.workers.begin(), state.workers.end(), [&](const auto& worker) { return worker.second.revision == revision; })) return;
  state.revisions.erase(revision);
}

namespace {

void drain_workers(Stepping& s, std::string_view endpoint) {
  for (auto& [id, worker] : s.state.workers) {
    if (worker.endpoint != endpoint) continue;
    worker.draining = true;
    s.touch(id);
  }
}

}  // namespace

void on_deployed(Stepping& s, const RevisionDeployed& event) {
  const std::string& name = event.revision.spec.name;
  EndpointState& endpoint = s.state.endpoints[name];
  const RevisionId former = endpoint.revision.id;
  drain_workers(s, name);
  endpoint.revision = event.revision;
  endpoint.failures = 0;
  endpoint.backoff_until = {};
  endpoint.last_failure.clear();
  endpoint.measured_bytes.reset();
  endpoint.service = {};
  endpoint.standing = {};
  endpoint.start_takes = nanoseconds{0};
  count_demand(s, endpoint, 0);
  expect(s.state, name, endpoint, MonoTime::max());
  endpoint.prepare = event.revision.by_instances();
  s.state.revisions[event.revision.id] = event.revision;
  for (const CallId id : endpoint.waiting.all())
    s.state.calls.at(id).revision = event.revision.id;
  s.state.hungry.insert(name);
  s.decide({.what = "deploy", .endpoint = name, .because = fmt::format("revision {} is the current one", event.revision.id.value)});
  endpoint.scaling = {.min = 0};
  provision(s, name, endpoint);
  forget_if_unused(s.state, name, former);
}

void on_removed(Stepping& s, const EndpointRemoved& event) {
  const auto found = s.state.endpoints.find(event.endpoint);
  if (found == s.state.endpoints.end()) return;
  tell_waiting(
      s, found->second, domain::Outcome::kFault,
      {.kind = ErrorKind::kNotFound, .message = fmt::format("the endpoint '{}' was removed", event.endpoint), .param = "model", .code = "model_not_found"},
      "removed");
  drain_workers(s, event.endpoint);
  const RevisionId former = found->second.revision.id;
  for (auto& [id, call] : s.state.calls) {
    if (call.endpoint == event.endpoint) call.in_demand = false;
  }
  expect(s.state, event.endpoint, found->second, MonoTime::max());
  forget_provision(s.state, event.endpoint, found->second);
  s.state.endpoints.erase(found);
  s.state.hungry.erase(event.endpoint);
  forget_if_unused(s.state, event.endpoint, former);
}

void on_drain(Stepping& s) {
  if (s.state.draining) return;
  s.state.draining = true;
  s.state.drain_until = s.now + kDrainMax;
  for (auto& [name, endpoint] : s.state.endpoints)
    tell_waiting(s, endpoint, domain::Outcome::kFault, {.kind = ErrorKind::kUnavailable, .message = "the server is shutting down", .retry_after = seconds(5)},
                 "drain");
  for (auto& [id, call] : s.state.calls)
    set_due(s.state, id, call, std::min(call.due, s.state.drain_until));
}

}  // namespace ebb::control
