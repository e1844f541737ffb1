// What people see of the platform: endpoints, decisions, logs, status.
#include <algorithm>

#include "invoke/local_platform.h"

namespace ebb::invoke {

std::vector<LimitView> LocalPlatform::limits() const {
  std::vector<LimitView> all;
  for (const auto& [whose, rates] : state_.rates) {
    for (const control::Rate& rate : rates)
      all.push_back({.limit = rate.limit, .running = rate.running, .used = control::used_part(rate, clock_.mono())});
  }
  return all;
}

namespace {

std::unexpected<Error> unknown(const std::string& endpoint) {
  return fail(ErrorKind::kNotFound, "there is no endpoint '" + endpoint + "': `ebb ps` lists them", "endpoint");
}

}  // namespace

EndpointView LocalPlatform::view_of(const control::EndpointSummary& summary) const {
  EndpointView view{.revision = *summary.revision,
                    .state = std::string(summary.state),
                    .failing = summary.refuses_until && clock_.mono() < *summary.refuses_until,
                    .slots_busy = summary.slots_busy,
                    .slots_ready = summary.slots_ready,
                    .waiting = summary.waiting,
                    .memory_bytes = 0,
                    .last_call = std::nullopt,
                    .calls = 0,
                    .spent = 0};
  for (const auto& [worker, pss] : memory_.pss_bytes) {
    if (endpoint_of(worker) == view.revision.spec.name) view.memory_bytes += pss;
  }
  for (const WorkerId worker : memory_.unseen) {
    if (endpoint_of(worker) != view.revision.spec.name) continue;
    view.memory_bytes += control::counted_bytes(state_, worker);
    view.memory_measured = false;
  }
  if (view.revision.spec.function && view.revision.spec.function->egress) {
    const auto egress = egress_.find(view.revision.spec.name);
    view.egress = egress == egress_.end() ? EgressTotals() : egress->second;
  }
  if (const auto totals = totals_.find(view.revision.spec.name); totals != totals_.end()) {
    view.calls = totals->second.calls;
    view.spent = totals->second.cost;
    view.last_call = totals->second.last_ended;
  }
  return view;
}

std::vector<EndpointView> LocalPlatform::endpoints() const {
  std::vector<EndpointView> views;
  for (const control::EndpointSummary& summary : control::summaries(state_))
    views.push_back(view_of(summary));
  return views;
}

Result<EndpointView> LocalPlatform::endpoint(const std::string& name) const {
  const std::optional<control::EndpointSummary> summary = control::summary_of(state_, name);
  if (!summary) return unknown(name);
  return view_of(*summary);
}

std::vector<DecisionView> LocalPlatform::decisions_of(const control::EndpointState& endpoint) const {
  const MonoTime now = clock_.mono();
  const WallTime wall = clock_.wall();
  std::vector<DecisionView> views;
  for (control::Decision& decision : endpoint.journal.all()) {
    const auto age = std::chrono::duration_cast<milliseconds>(now - decision.at);
    views.push_back({.decision = std::move(decision), .at = wall - age});
  }
  return views;
}

Result<std::vector<DecisionView>> LocalPlatform::decisions(const std::string& endpoint) const {
  const auto found = state_.endpoints.find(endpoint);
  if (found == state_.endpoints.end()) return unknown(endpoint);
  return decisions_of(found->second);
}

std::optional<CallView> LocalPlatform::call(CallId call) const {
  CallView view;
  if (const auto live = state_.calls.find(call); live != state_.calls.end()) {
    view.endpoint = live->second.endpoint;
    view.state = live->second.worker ? "running" : "waiting";
    view.age = clock_.mono() - live->second.arrived;
    view.tenant = live->second.tenant;
  }
  for (const auto& [name, endpoint] : state_.endpoints) {
    if (view.endpoint.empty() ? endpoint.journal.of(call).empty() : name != view.endpoint) continue;
    view.endpoint = name;
    for (DecisionView& decision : decisions_of(endpoint)) {
      if (decision.decision.call == call)
        view.decisions.push_back(std::move(decision));
      else if (!decision.decision.call)
        view.of_endpoint.push_back(std::move(decision));
    }
    break;
  }
  return view.endpoint.empty() ? std::nullopt : std::optional(std::move(view));
}

Result<std::vector<LogLine>> LocalPlatform::log_lines(const std::string& endpoint, uint64_t after) const {
  if (!control::summary_of(state_, endpoint)) return unknown(endpoint);
  return log_.after(endpoint, after);
}

StatusView LocalPlatform::status() const {
  StatusView view{.version = options_.version,
                  .home = options_.home,
                  .ready = !state_.draining && state_.store_writable,
                  .not_ready_why = state_.draining ? "draining" : state_.store_why,
                  .sandbox = sandbox_,
                  .containers = containers_,
                  .memory_limit_bytes = options_.node.memory_limit_bytes,
                  .memory_available_bytes = memory_.node_available_bytes,
                  .memory_workers_bytes = 0,
                  .memory_huge_page_bytes = memory_.huge_page_bytes,
                  .cores = options_.node.cores,
                  .processors = awake_.told(),
                  .processors_awake = awake_.awake(),
                  .workers = static_cast<int>(fleet_.processes().size())};
  for (const auto& [worker, pss] : memory_.pss_bytes)
    view.memory_workers_bytes += pss;
  return view;
}

}  // namespace ebb::invoke
