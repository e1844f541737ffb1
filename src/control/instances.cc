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
  for (Worker& worker : state.workers) {
    if (is_current(endpoint, worker.second)) all.push_back(&worker);
  }
  return all;
}

// Making a sandbox takes a core for as long as starting some functions does.
constexpr milliseconds kPrepareLater{100};

bool prepared(const WorkerState& worker) { return worker.fresh && worker.slots == 0 && (worker.phase == WorkerPhase::kParked || loads(worker)); }

void fill_ready(Stepping& s, EndpointState& endpoint, std::vector<Worker*> instances) {
  std::erase_if(instances, [](const Worker* one) { return one->second.phase != WorkerPhase::kReady; });
  std::ranges::sort(instances, {}, [](const Worker* one) { return std::pair(-static_cast<int>(one->second.running.size()), one->first); });
  for (Worker* const instance : instances) {
    while (!endpoint.waiting.empty() && std::cmp_less(instance->second.running.size(), instance->second.slots)) {
      const CallId call = endpoint.waiting.front();
      endpoint.waiting.pop_front();
      dispatch(s, call, instance->first);
    }
  }
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

// One instance without its function, for the next start: once nobody waits for a function to start, or soon. Not worth giving up anything for.
void prepare_next(Stepping& s, EndpointState& endpoint, const std::vector<Worker*>& instances) {
  if (!endpoint.prepare || std::ranges::any_of(instances, [](const Worker* one) { return prepared(one->second); })) return;
  const auto all = std::ranges::count_if(s.state.workers, [](const Worker& worker) { return prepared(worker.second); });
  if (std::cmp_greater_equal(all, domain::kPreparedInstancesMax)) return;
  if (s.now < endpoint.prepare_by &&
      std::ranges::any_of(s.state.workers, [&](const Worker& one) { return is_instance(s.state, one.second) && starts_function(one.second); }))
    return;
  if (room_bytes(memory_now(s.state)) < domain::kInstanceBaseBytes) return;
  endpoint.prepare = false;
  start_worker(s, endpoint, 0);
}

}  // namespace

Capacity capacity_of(const State& state, const EndpointState& endpoint) {
  Capacity capacity;
  for (const auto& [id, worker] : state.workers) {
    if (!is_current(endpoint, worker)) continue;
    if (worker.phase == WorkerPhase::kReady) {
      capacity.slots += worker.slots;
      capacity.running += static_cast<int>(worker.running.size());
    }
    capacity.frozen = capacity.frozen || (worker.phase == WorkerPhase::kParked && !worker.fresh);
  }
  return capacity;
}

IdleChoice idle_instance(const State& state, const EndpointState& endpoint, const WorkerState& worker, MonoTime now) {
  if (prepared(worker)) return {};
  domain::Scaling scaling = endpoint.revision.spec.scaling;
  const auto ready = std::ranges::count_if(
      state.workers, [&](const Worker& other) { return is_current(endpoint, other.second) && other.second.phase == WorkerPhase::kReady; });
  // Those beyond the minimum fall asleep like any other.
  if (worker.phase != WorkerPhase::kReady || std::cmp_greater(ready, scaling.min)) scaling.min = 0;
  return idle_step(worker.phase == WorkerPhase::kParked, worker.idle_since, worker.phase_since, scaling, now);
}

bool serve_instances(Stepping& s, EndpointState& endpoint) {
  if (s.state.draining) return true;
  const std::vector<Worker*> instances = instances_of(s.state, endpoint);
  fill_ready(s, endpoint, instances);
  if (s.now < endpoint.backoff_until) return false;
  int serving = 0;
  int slots_coming = 0;
  for (const Worker* const one : instances) {
    // One that is being frozen is thawed as soon as it is.
    const bool comes = one->second.phase == WorkerPhase::kParking || (loads(one->second) && one->second.slots > 0);
    if (comes) slots_coming += endpoint.revision.calls_per_instance;
    serving += comes || one->second.phase == WorkerPhase::kReady ? 1 : 0;
  }
  const domain::Scaling& scaling = endpoint.revision.spec.scaling;
  const int wanted = instances_to_add(static_cast<int>(endpoint.waiting.size()), slots_coming, serving, endpoint.revision.calls_per_instance, scaling);
  if (wanted > 0) add_instances(s, endpoint, instances, wanted);
  fill_ready(s, endpoint, instances);  // those that thawed
  prepare_next(s, endpoint, instances_of(s.state, endpoint));
  const bool prepares_later = endpoint.prepare && s.now < endpoint.prepare_by;
  return endpoint.waiting.empty() && serving >= scaling.min && !prepares_later;
}

}  // namespace ebb::control
