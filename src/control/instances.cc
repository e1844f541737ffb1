// Endpoints that are served by instances: each worker is one, takes so many calls at once, and is prepared, started, frozen or gone as a whole.
//
//   a call waits ─► a ready instance with a free slot, the fullest first, so that the others fall idle
//                └► else a frozen one thaws, else a prepared one starts, else a new one: as many as those who wait need
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "control/failure_policy.h"
#include "control/scale_policy.h"
#include "control/stepping.h"
#include "domain/limits.h"

namespace ebb::control {

namespace {

using Worker = std::pair<const WorkerId, WorkerState>;

std::vector<Worker*> instances_of(State& state, const EndpointState& endpoint) {
  std::vector<Worker*> all;
  all.reserve(endpoint.live.size());
  for (const WorkerId id : endpoint.live)
    all.push_back(&*state.workers.find(id));
  return all;
}

// Making a sandbox takes a core for as long as starting some functions does.
constexpr milliseconds kPrepareLater{100};

void fill_ready(Stepping& s, EndpointState& endpoint) {
  while (!endpoint.waiting.empty() && !endpoint.open.empty())
    dispatch_next(s, endpoint, endpoint.open.begin()->second);
}

// The frozen ones first: they have nothing to start.
std::vector<Worker*> asleep(const std::vector<Worker*>& instances) {
  std::vector<Worker*> parked;
  std::ranges::copy_if(instances, std::back_inserter(parked), [](const Worker* one) { return one->second.phase == WorkerPhase::kParked; });
  std::ranges::sort(parked, {}, [](const Worker* one) { return std::pair(one->second.fresh, one->first); });
  return parked;
}

// So many instances as memory admits, up to `wanted`.
void add_instances(Stepping& s, EndpointState& endpoint, const std::vector<Worker*>& instances, int wanted) {
  const int calls = endpoint.revision.calls_per_instance;
  for (Worker* const one : asleep(instances)) {
    if (wanted == 0) return;
    if (one->second.fresh && admit(s, endpoint, need_of(s.state, endpoint), 1) == 0) return;
    if (one->second.fresh) {  // it is used up
      endpoint.prepare = true;
      endpoint.prepare_by = s.now + kPrepareLater;
    }
    wake_worker(s, one->first, one->second, calls);
    --wanted;
  }
  for (; wanted > 0 && admit(s, endpoint, need_of(s.state, endpoint), 1) > 0; --wanted)
    start_worker(s, endpoint, calls);
}

bool starts_function(const WorkerState& worker) { return worker.fresh && worker.slots > 0 && loads(worker) && !worker.killed; }

bool wants_prepared(const State& state, const EndpointState& endpoint) {
  return endpoint.prepare && std::cmp_less(state.prepared.size(), domain::kPreparedInstancesMax);
}

// One instance without its function, for the next start: once nobody waits for a function to start, or soon. Not worth giving up anything for.
void prepare_next(Stepping& s, EndpointState& endpoint, const std::vector<Worker*>& instances) {
  if (!wants_prepared(s.state, endpoint)) return;
  if (std::ranges::any_of(instances, [](const Worker* one) { return is_prepared(one->second); })) {
    endpoint.prepare = false;
    return;
  }
  if (s.now < endpoint.prepare_by &&
      std::ranges::any_of(s.state.workers, [&](const Worker& one) { return one.second.instance && starts_function(one.second); }))
    return;
  if (room_bytes(memory_now(s.state)) < domain::kInstanceBaseBytes) return;
  endpoint.prepare = false;
  start_worker(s, endpoint, 0);
}

}  // namespace

bool is_prepared(const WorkerState& worker) {
  return worker.instance && worker.fresh && worker.slots == 0 && (worker.phase == WorkerPhase::kParked || loads(worker));
}

Capacity capacity_of(const State& state, const EndpointState& endpoint) {
  Capacity capacity;
  for (const WorkerId id : endpoint.live) {
    const WorkerState& worker = state.workers.at(id);
    if (worker.phase == WorkerPhase::kReady) {
      capacity.slots += std::min(worker.slots, worker.at_once.most);
      capacity.slowed = capacity.slowed || worker.at_once.most < worker.slots;
      capacity.running += static_cast<int>(worker.running.size());
    }
    capacity.frozen = capacity.frozen || (worker.phase == WorkerPhase::kParked && !worker.fresh);
  }
  return capacity;
}

bool serve_instances(Stepping& s, EndpointState& endpoint) {
  if (s.state.draining) return true;
  fill_ready(s, endpoint);
  const domain::Scaling& scaling = endpoint.scaling;
  if (endpoint.waiting.empty() && scaling.min == 0 && scaling.target_percent == 100 && !wants_prepared(s.state, endpoint))
    return true;  // nothing is wanted: the common case
  const std::vector<Worker*> instances = instances_of(s.state, endpoint);
  if (s.now < endpoint.backoff_until) return false;
  int serving = 0;
  int slots_coming = 0;
  int running = 0;
  for (const Worker* const one : instances) {
    // One that is being frozen is thawed as soon as it is.
    const bool comes = one->second.phase == WorkerPhase::kParking || (loads(one->second) && one->second.slots > 0);
    if (comes) slots_coming += endpoint.revision.calls_per_instance;
    running += static_cast<int>(one->second.running.size());
    serving += comes || one->second.phase == WorkerPhase::kReady ? 1 : 0;
  }
  const int wanted = instances_to_add(static_cast<int>(endpoint.waiting.size()), running, slots_coming, serving, endpoint.revision.calls_per_instance, scaling);
  if (wanted > 0) add_instances(s, endpoint, instances, wanted);
  fill_ready(s, endpoint);  // those that thawed
  prepare_next(s, endpoint, instances_of(s.state, endpoint));
  const bool prepares_later = endpoint.prepare && s.now < endpoint.prepare_by;
  return endpoint.waiting.empty() && serving >= scaling.min && !prepares_later;
}

}  // namespace ebb::control
