// What must hold after every step, whatever happened.
#include <fmt/format.h>

#include <algorithm>

#include "control/core.h"
#include "control/stepping.h"

namespace ebb::control {

namespace {

using Broken = std::vector<std::string>;

void check_calls(const State& state, Broken& broken) {
  std::map<std::string_view, std::vector<CallId>> waiting;
  for (const auto& [name, endpoint] : state.endpoints)
    waiting[name] = endpoint.waiting.all();
  for (const auto& [id, call] : state.calls) {
    const auto endpoint = state.endpoints.find(call.endpoint);
    const auto in_queue = endpoint == state.endpoints.end() ? 0 : std::ranges::count(waiting.at(call.endpoint), id);
    const auto worker = state.workers.find(call.worker);
    const auto in_worker = worker == state.workers.end() ? 0 : static_cast<long>(worker->second.running.count(id) + worker->second.held.count(id));
    if (in_queue + in_worker != 1) broken.push_back(fmt::format("call {} is in {} places", to_hex(id.value), in_queue + in_worker));
    if (static_cast<bool>(call.worker) != (in_worker == 1)) broken.push_back(fmt::format("call {} names the wrong worker", to_hex(id.value)));
    const bool held = worker != state.workers.end() && worker->second.held.contains(id);
    if (held != call.held_since.has_value()) broken.push_back(fmt::format("call {} is held, and does not know it, or the other way round", to_hex(id.value)));
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
    const bool goes_on = worker.phase == WorkerPhase::kReady && !worker.killed && free_slots(worker) > 0;
    if (goes_on && std::ranges::any_of(worker.held, [&](CallId held) { return !state.calls.at(held).cancelled; }))
      broken.push_back(fmt::format("worker {} has a free slot, and holds a call", to_hex(id.value)));
    if ((!worker.running.empty() || !worker.held.empty()) && worker.phase != WorkerPhase::kReady)
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
    const auto at_once = endpoint.revision.by_instances() ? endpoint.scaling.max + prepared : 1;
    if (live > at_once) broken.push_back(fmt::format("{} workers serve {}", live, name));
  }
}

}  // namespace

namespace {

// What is kept twice is the same both times.
void check_indexes(const State& state, Broken& broken) {
  std::set<WorkerId> computing;
  std::map<std::string_view, std::pair<std::set<WorkerId>, std::set<std::pair<int, WorkerId>>>> by_endpoint;
  for (const auto& [id, worker] : state.workers) {
    if (busy(worker) && !worker.instance) computing.insert(id);
    const auto endpoint = state.endpoints.find(worker.endpoint);
    if (endpoint == state.endpoints.end() || !is_current(endpoint->second, worker)) continue;
    auto& [live, open] = by_endpoint[worker.endpoint];
    live.insert(id);
    if (worker.phase == WorkerPhase::kReady && free_slots(worker) > 0) open.emplace(-static_cast<int>(worker.running.size()), id);
  }
  uint64_t bytes = 0;
  for (const auto& [id, worker] : state.workers)
    bytes += bytes_of(worker);
  if (bytes != state.workers_bytes) broken.push_back(fmt::format("workers take {} bytes, and {} are counted", bytes, state.workers_bytes));
  if (computing != state.computing) broken.push_back("the busy workers are not those that are kept as such");
  for (const auto& [name, endpoint] : state.endpoints) {
    const auto& [live, open] = by_endpoint[name];
    if (endpoint.live != live || endpoint.open != open) broken.push_back(fmt::format("the workers of {} are not those that are kept", name));
  }
  size_t due = 0;
  for (const auto& [id, worker] : state.workers) {
    if (worker.due == MonoTime::max()) continue;
    ++due;
    if (!state.due_workers.contains({worker.due, id})) broken.push_back(fmt::format("worker {} is not looked at when it is due", to_hex(id.value)));
  }
  if (due != state.due_workers.size()) broken.push_back("a worker that is gone is still looked at");
}

// A worker that works, or idles, is looked at again.
void check_watch(const State& state, Broken& broken) {
  for (const auto& [id, worker] : state.workers) {
    if (worker.killed || worker.due != MonoTime::max()) continue;
    const bool watched = worker.phase == WorkerPhase::kParking || (worker.instance ? loads(worker) : busy(worker) && worker.threads != 0);
    if (watched) broken.push_back(fmt::format("worker {} works and is not watched", to_hex(id.value)));
  }
}

}  // namespace

Broken broken_invariants(const State& state) {
  Broken broken;
  check_calls(state, broken);
  check_workers(state, broken);
  check_endpoints(state, broken);
  check_indexes(state, broken);
  check_watch(state, broken);
  return broken;
}

}  // namespace ebb::control
