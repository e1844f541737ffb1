// The most useful worker of an endpoint speaks for it.
#include "control/view.h"

#include <algorithm>

#include "control/failure_policy.h"
#include "control/stepping.h"

namespace ebb::control {

namespace {

// Higher is more useful.
int rank_of(const WorkerState& worker) {
  if (worker.draining || worker.killed) return 1;
  if (worker.fresh && worker.slots == 0) return 2;  // prepared, or about to be
  switch (worker.phase) {
    case WorkerPhase::kReady: return 6;
    case WorkerPhase::kWaking:
    case WorkerPhase::kStarting: return 5;
    case WorkerPhase::kParked: return 4;
    case WorkerPhase::kParking: return 3;
  }
  return 0;
}

std::string_view word_of(int rank, bool failed) {
  switch (rank) {
    case 6: return "ready";
    case 5: return "starting";
    case 4: return "parked";
    case 3: return "parking";
    case 2: return failed ? "failed" : "prepared";
    case 1: return "draining";
    default: return failed ? "failed" : "absent";
  }
}

std::string_view word_of(const WorkerState& worker) {
  if (worker.killed) return "ending";
  if (worker.draining) return "draining";
  if (worker.fresh && worker.slots == 0 && worker.phase == WorkerPhase::kParked) return "prepared";
  switch (worker.phase) {
    case WorkerPhase::kStarting: return "starting";
    case WorkerPhase::kWaking: return "waking";
    case WorkerPhase::kReady: return "ready";
    case WorkerPhase::kParking: return "parking";
    case WorkerPhase::kParked: return "parked";
  }
  return "ready";
}

EndpointSummary summarize(const State& state, const EndpointState& endpoint) {
  EndpointSummary summary{.revision = &endpoint.revision, .state = {}, .waiting = static_cast<int>(endpoint.waiting.size())};
  if (endpoint.last_call != MonoTime{}) summary.last_call = endpoint.last_call;
  int best = 0;
  for (const auto& [id, worker] : state.workers) {
    if (worker.endpoint != endpoint.revision.spec.name) continue;
    best = std::max(best, rank_of(worker));
    summary.memory_bytes += worker.pss_bytes;
    summary.waiting += static_cast<int>(worker.held.size());
    summary.slots_busy += static_cast<int>(worker.running.size());
    if (worker.phase == WorkerPhase::kReady && !worker.draining && !worker.killed) summary.slots_ready += worker.slots;
  }
  summary.state = word_of(best, endpoint.failures > 0);
  if (endpoint.failures >= kBreakerFailures) summary.refuses_until = endpoint.backoff_until;
  return summary;
}

}  // namespace

std::vector<EndpointSummary> summaries(const State& state) {
  std::vector<EndpointSummary> all;
  for (const auto& [name, endpoint] : state.endpoints)
    all.push_back(summarize(state, endpoint));
  return all;
}

std::optional<EndpointSummary> summary_of(const State& state, const std::string& endpoint) {
  const auto found = state.endpoints.find(endpoint);
  if (found == state.endpoints.end()) return std::nullopt;
  return summarize(state, found->second);
}

uint64_t counted_bytes(const State& state, WorkerId worker) {
  const auto found = state.workers.find(worker);
  return found == state.workers.end() ? 0 : bytes_of(found->second);
}

std::vector<WorkerSummary> worker_summaries(const State& state) {
  std::vector<WorkerSummary> all;
  for (const auto& [id, worker] : state.workers)
    all.push_back({.worker = id,
                   .endpoint = worker.endpoint,
                   .revision = worker.revision,
                   .state = word_of(worker),
                   .slots_busy = static_cast<int>(worker.running.size()),
                   .slots = worker.slots,
                   .threads = std::max(worker.threads, 0),
                   .memory_bytes = worker.pss_bytes});
  return all;
}

const domain::Revision* find_revision(const State& state, RevisionId id) {
  const auto found = state.revisions.find(id);
  return found == state.revisions.end() ? nullptr : &found->second;
}

}  // namespace ebb::control
