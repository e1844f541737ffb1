// What must hold after every step, whatever happened.
#include <fmt/format.h>

#include <algorithm>

#include "control/core.h"

namespace ebb::control {

namespace {

using Broken = std::vector<std::string>;

void check_calls(const State& state, Broken& broken) {
  for (const auto& [id, call] : state.calls) {
    const auto endpoint = state.endpoints.find(call.endpoint);
    const auto in_queue = endpoint == state.endpoints.end() ? 0 : std::count(endpoint->second.waiting.begin(), endpoint->second.waiting.end(), id);
    const auto worker = state.workers.find(call.worker);
    const auto in_worker = worker == state.workers.end() ? 0 : static_cast<long>(worker->second.running.count(id));
    if (in_queue + in_worker != 1) broken.push_back(fmt::format("call {} is in {} places", to_hex(id.value), in_queue + in_worker));
    if (static_cast<bool>(call.worker) != (in_worker == 1)) broken.push_back(fmt::format("call {} names the wrong worker", to_hex(id.value)));
    if (!state.due_calls.contains({call.due, id})) broken.push_back(fmt::format("call {} has no time at which it is looked at", to_hex(id.value)));
  }
  if (state.due_calls.size() != state.calls.size()) broken.push_back("a call that is over is still looked at");
}

void check_workers(const State& state, Broken& broken) {
  int threads = 0;
  for (const auto& [id, worker] : state.workers) {
    if (static_cast<int>(worker.running.size()) > worker.slots)
      broken.push_back(fmt::format("worker {} runs {} calls in {} slots", to_hex(id.value), worker.running.size(), worker.slots));
    if (worker.running.size() != worker.meter.running()) broken.push_back(fmt::format("worker {} is metered wrongly", to_hex(id.value)));
    if (!worker.running.empty() && worker.phase != WorkerPhase::kReady)
      broken.push_back(fmt::format("worker {} runs calls and is not ready", to_hex(id.value)));
    if (!state.revisions.contains(worker.revision)) broken.push_back(fmt::format("worker {} runs a revision that is forgotten", to_hex(id.value)));
    const bool busy =
        !worker.killed && (!worker.running.empty() || worker.resizing || worker.phase == WorkerPhase::kStarting || worker.phase == WorkerPhase::kWaking);
    if (busy) threads += std::max(worker.threads, 0);
  }
  if (threads > state.engine_cores) broken.push_back(fmt::format("{} engine threads on {} free cores", threads, state.engine_cores));
}

void check_endpoints(const State& state, Broken& broken) {
  for (const auto& [name, endpoint] : state.endpoints) {
    // Calls whose worker died come back to the front of a queue that may have filled meanwhile.
    const auto most = static_cast<size_t>(endpoint.revision.spec.limits.queue + 64);
    if (endpoint.waiting.size() > most) broken.push_back(fmt::format("{} calls wait for {}", endpoint.waiting.size(), name));
    if (!endpoint.waiting.empty() && !state.hungry.contains(name)) broken.push_back(fmt::format("calls wait for {}, and nobody looks after them", name));
    const auto live = std::count_if(state.workers.begin(), state.workers.end(), [&](const auto& w) {
      return w.second.endpoint == name && w.second.revision == endpoint.revision.id && !w.second.draining && !w.second.killed;
    });
    const auto prepared = std::count_if(state.workers.begin(), state.workers.end(), [&](const auto& w) {
      return w.second.endpoint == name && w.second.revision == endpoint.revision.id && w.second.fresh && w.second.slots == 0;
    });
    const auto at_once = endpoint.revision.by_instances() ? endpoint.revision.spec.scaling.max + prepared : 1;
    if (live > at_once) broken.push_back(fmt::format("{} workers serve {}", live, name));
  }
}

}  // namespace

Broken broken_invariants(const State& state) {
  Broken broken;
  check_calls(state, broken);
  check_workers(state, broken);
  check_endpoints(state, broken);
  return broken;
}

}  // namespace ebb::control
