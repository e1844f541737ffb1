// Kept in step with the workers by Stepping::touch; broken_invariants() compares them with what they are made from.
#include <algorithm>

#include "base/check.h"
#include "control/stepping.h"

namespace ebb::control {

namespace {

void keep(std::set<WorkerId>& set, WorkerId id, bool in) {
  if (in)
    set.insert(id);
  else
    set.erase(id);
}

void index_in_endpoint(EndpointState& endpoint, WorkerId id, WorkerState& worker) {
  const bool serves = is_current(endpoint, worker);
  const bool open = serves && worker.phase == WorkerPhase::kReady && free_slots(worker) > 0;
  const std::optional<int> key = open ? std::optional(-static_cast<int>(worker.running.size())) : std::nullopt;
  keep(endpoint.live, id, serves);
  if (key == worker.open_as) return;
  if (worker.open_as) endpoint.open.erase({*worker.open_as, id});
  if (key) endpoint.open.insert({*key, id});
  worker.open_as = key;
}

}  // namespace

namespace {

void count_bytes(State& state, WorkerState& worker, uint64_t bytes) {
  const bool unseen = loads(worker) || worker.resizing || (!worker.measured && worker.phase == WorkerPhase::kReady);
  const uint64_t promised = unseen && bytes > 0 ? bytes - std::min(bytes, worker.pss_bytes) : 0;
  state.workers_bytes += bytes - worker.counted_bytes;
  state.promised_bytes += promised - worker.promised_bytes;
  worker.counted_bytes = bytes;
  worker.promised_bytes = promised;
}

}  // namespace

void index_worker(State& state, WorkerId id, WorkerState& worker) {
  count_bytes(state, worker, bytes_of(worker));
  if (const auto endpoint = state.endpoints.find(worker.endpoint); endpoint != state.endpoints.end())
    index_in_endpoint(endpoint->second, id, worker);
  else
    worker.open_as.reset();
  // Cores are for engines: an instance has its share by its own limits.
  keep(state.computing, id, busy(worker) && !worker.instance);
  keep(state.prepared, id, !worker.killed && is_prepared(worker));
}

void forget_worker(State& state, WorkerId id) {
  WorkerState& worker = state.workers.at(id);
  worker.killed = true;
  worker.running.clear();
  worker.held.clear();
  index_worker(state, id, worker);
  set_due(state, id, worker, MonoTime::max());
  count_bytes(state, worker, 0);
  state.workers.erase(id);
}

void set_due(State& state, WorkerId id, WorkerState& worker, MonoTime due) {
  if (worker.due != MonoTime::max()) state.due_workers.erase({worker.due, id});
  worker.due = due;
  if (due != MonoTime::max()) state.due_workers.insert({due, id});
}

void expect(State& state, const std::string& name, EndpointState& endpoint, MonoTime at) {
  if (endpoint.expected == at) return;
  if (endpoint.expected != MonoTime::max()) state.due_endpoints.erase({endpoint.expected, name});
  endpoint.expected = at;
  if (at != MonoTime::max()) state.due_endpoints.insert({at, name});
}

void Stepping::touch(WorkerId id) {
  const auto worker = state.workers.find(id);
  EBB_CHECK(worker != state.workers.end());
  index_worker(state, id, worker->second);
  touched.push_back(id);
}

}  // namespace ebb::control
