// What must hold after every step, whatever happened. The simulation asks after each event: one pass over what there is, with one search by name for each
// worker.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/mix.h"
#include "control/core.h"
#include "control/stepping.h"

namespace ebb::control {

namespace {

using Broken = std::vector<std::string>;

// Sets of many calls are compared by the sum of their entries' hashes, so that nothing is sorted or searched after each event; where the sums differ, one by
// one.
constexpr uint64_t kOdd = 0xd1342543de82ef95;
uint64_t hash(CallId call, uint64_t of) {
  const uint64_t word = (call.value ^ (of * kOdd)) * kOdd;
  return word ^ (word >> 32U);
}
uint64_t hash(CallId call, MonoTime due) { return hash(call, static_cast<uint64_t>(due.time_since_epoch().count())); }
uint64_t hash_there(CallId call, WorkerId worker, uint64_t held) { return hash(call, (worker.value << 1U) + held); }

// Of a name: its length and three of its characters. Names that are alike in these are told apart by nothing here; those of the simulation are one letter.
uint64_t key_of(std::string_view name) {
  if (name.empty()) return 0;
  const auto at = [&](size_t i) { return static_cast<uint64_t>(static_cast<unsigned char>(name[i])); };
  return (name.size() << 24U) + (at(0) << 16U) + (at(name.size() / 2) << 8U) + at(name.size() - 1);
}

uint64_t hash_of_places(const State& state) {
  uint64_t sum = 0;
  for (const auto& [name, endpoint] : state.endpoints) {
    if (endpoint.waiting.empty()) continue;
    const uint64_t key = key_of(name);
    endpoint.waiting.each([&](CallId call) { sum += hash(call, key); });
  }
  for (const auto& [id, worker] : state.workers) {
    for (const CallId call : worker.running)
      sum += hash_there(call, id, 0);
    for (const CallId call : worker.held)
      sum += hash_there(call, id, 1);
  }
  return sum;
}

// What is wrong with the place of this call.
void check_call(const State& state, CallId id, const CallState& call, Broken& broken) {
  const auto endpoint = state.endpoints.find(call.endpoint);
  long in_queue = 0;
  if (endpoint != state.endpoints.end()) endpoint->second.waiting.each([&](CallId waiting) { in_queue += waiting == id ? 1 : 0; });
  const auto worker = state.workers.find(call.worker);
  const auto in_worker = worker == state.workers.end() ? 0 : static_cast<long>(worker->second.running.count(id) + worker->second.held.count(id));
  if (in_queue + in_worker != 1) broken.push_back(fmt::format("call {} is in {} places", to_hex(id.value), in_queue + in_worker));
  if (static_cast<bool>(call.worker) != (in_worker == 1)) broken.push_back(fmt::format("call {} names the wrong worker", to_hex(id.value)));
  const bool held = worker != state.workers.end() && worker->second.held.contains(id);
  if (held != call.held_since.has_value()) broken.push_back(fmt::format("call {} is held, and does not know it, or the other way round", to_hex(id.value)));
  if (!state.due_calls.contains({call.due, id})) broken.push_back(fmt::format("call {} has no time at which it is looked at", to_hex(id.value)));
}

// Each call is in one place, the one that it names; each has its time at which it is looked at, and nothing that is over has a place or a time.
void check_calls(const State& state, Broken& broken) {
  uint64_t places = 0;
  uint64_t due = 0;
  for (const auto& [id, call] : state.calls) {
    places += call.worker ? hash_there(id, call.worker, call.held_since ? 1 : 0) : hash(id, key_of(call.endpoint));
    due += hash(id, call.due);
  }
  uint64_t due_kept = 0;
  for (const auto& [at, id] : state.due_calls)
    due_kept += hash(id, at);
  if (places == hash_of_places(state) && due == due_kept && state.due_calls.size() == state.calls.size()) return;
  const size_t before = broken.size();
  for (const auto& [id, call] : state.calls)
    check_call(state, id, call, broken);
  if (broken.size() == before) broken.push_back("a call that is over still has a place, or is still looked at");
}

void check_worker(const State& state, WorkerId id, const WorkerState& worker, Broken& broken) {
  if (static_cast<int>(worker.running.size()) > worker.slots)
    broken.push_back(fmt::format("worker {} runs {} calls in {} slots", to_hex(id.value), worker.running.size(), worker.slots));
  if (worker.running.size() != worker.meter.running()) broken.push_back(fmt::format("worker {} is metered wrongly", to_hex(id.value)));
  const bool goes_on = worker.phase == WorkerPhase::kReady && !worker.killed && free_slots(worker) > 0;
  if (goes_on && std::ranges::any_of(worker.held, [&](CallId held) { return !state.calls.at(held).cancelled; }))
    broken.push_back(fmt::format("worker {} has a free slot, and holds a call", to_hex(id.value)));
  if ((!worker.running.empty() || !worker.held.empty()) && worker.phase != WorkerPhase::kReady)
    broken.push_back(fmt::format("worker {} runs calls and is not ready", to_hex(id.value)));
  if (!state.revisions.contains(worker.revision)) broken.push_back(fmt::format("worker {} runs a revision that is forgotten", to_hex(id.value)));
  // A worker that works, or idles, is looked at again.
  const bool watched = worker.phase == WorkerPhase::kParking || (worker.instance ? loads(worker) : busy(worker) && worker.threads != 0);
  if (watched && !worker.killed && worker.due == MonoTime::max()) broken.push_back(fmt::format("worker {} works and is not watched", to_hex(id.value)));
}

// What the indexes should hold, by what the workers themselves say.
struct Indexed {
  uint64_t bytes = 0;
  size_t computing = 0;
  size_t due = 0;
  size_t live = 0;
  size_t open = 0;
};

// What is kept twice is the same both times: each that belongs into an index is there …
void check_indexed(const State& state, WorkerId id, const WorkerState& worker, Indexed& indexed, Broken& broken) {
  const auto must = [&](size_t& many, bool kept, std::string_view where) {
    ++many;
    if (!kept) broken.push_back(fmt::format("worker {} is not kept {}", to_hex(id.value), where));
  };
  indexed.bytes += bytes_of(worker);
  if (busy(worker) && !worker.instance) must(indexed.computing, state.computing.contains(id), "as busy");
  if (worker.due != MonoTime::max()) must(indexed.due, state.due_workers.contains({worker.due, id}), "where it is looked at when it is due");
  if (worker.draining || worker.killed) return;
  const auto found = state.endpoints.find(worker.endpoint);
  if (found == state.endpoints.end() || !is_current(found->second, worker)) return;
  const EndpointState& endpoint = found->second;
  must(indexed.live, endpoint.live.contains(id), "by its endpoint");
  const bool is_open = worker.phase == WorkerPhase::kReady && free_slots(worker) > 0;
  if (is_open) must(indexed.open, endpoint.open.contains({-static_cast<int>(worker.running.size()), id}), "as open by its endpoint");
}

void check_workers(const State& state, Indexed& indexed, Broken& broken) {
  int threads = 0;
  for (const auto& [id, worker] : state.workers) {
    check_worker(state, id, worker, broken);
    check_indexed(state, id, worker, indexed, broken);
    if (busy(worker)) threads += std::max(worker.threads, 0);
  }
  if (threads > state.engine_cores) broken.push_back(fmt::format("{} engine threads on {} free cores", threads, state.engine_cores));
}

void check_endpoint(const State& state, const std::string& name, const EndpointState& endpoint, Broken& broken) {
  // Calls whose worker died come back to the front of a queue that may have filled meanwhile.
  const auto most = static_cast<size_t>(endpoint.revision.spec.limits.queue + 64);
  if (endpoint.waiting.size() > most) broken.push_back(fmt::format("{} calls wait for {}", endpoint.waiting.size(), name));
  if (!endpoint.waiting.empty() && !state.hungry.contains(name)) broken.push_back(fmt::format("calls wait for {}, and nobody looks after them", name));
  size_t at_once = endpoint.revision.by_instances() ? static_cast<size_t>(endpoint.scaling.max) : 1;
  if (endpoint.live.size() <= at_once) return;
  if (endpoint.revision.by_instances())
    at_once += static_cast<size_t>(std::ranges::count_if(endpoint.live, [&](WorkerId id) {
      const auto worker = state.workers.find(id);
      return worker != state.workers.end() && worker->second.fresh && worker->second.slots == 0;
    }));
  if (endpoint.live.size() > at_once) broken.push_back(fmt::format("{} workers serve {}", endpoint.live.size(), name));
}

// … and there are no more.
void check_endpoints(const State& state, const Indexed& indexed, Broken& broken) {
  size_t live = 0;
  size_t open = 0;
  for (const auto& [name, endpoint] : state.endpoints) {
    check_endpoint(state, name, endpoint, broken);
    live += endpoint.live.size();
    open += endpoint.open.size();
  }
  if (indexed.live != live || indexed.open != open) broken.push_back("endpoints keep workers that they do not have");
  if (indexed.bytes != state.workers_bytes) broken.push_back(fmt::format("workers take {} bytes, and {} are counted", indexed.bytes, state.workers_bytes));
  if (indexed.computing != state.computing.size()) broken.push_back("more workers are kept as busy than are");
  if (indexed.due != state.due_workers.size()) broken.push_back("a worker that is gone is still looked at");
}

// A purse holds what its calls have reserved.
void check_purse(const State& state, domain::BudgetId id, const Purse& purse, Broken& broken) {
  domain::Pico reserved = 0;
  for (const auto& [call_id, call] : state.calls)
    reserved += call.reserved * std::ranges::count(call.held_in, id);
  if (purse.held != reserved) broken.push_back(fmt::format("budget {} holds {}, and its calls have reserved {}", id.value, purse.held, reserved));
}

// By one sum for all purses; where it is not right, one by one.
void check_purses(const State& state, Broken& broken) {
  if (state.purses.empty()) return;
  uint64_t held = 0;
  for (const auto& [id, call] : state.calls) {
    for (const domain::BudgetId in : call.held_in)
      held += static_cast<uint64_t>(call.reserved) * mix(in.value);
  }
  for (const auto& [id, purse] : state.purses) {
    held -= static_cast<uint64_t>(purse.held) * mix(id.value);
    if (purse.spent < 0) broken.push_back(fmt::format("budget {} has spent {}", id.value, purse.spent));
  }
  if (held == 0) return;
  for (const auto& [id, purse] : state.purses)
    check_purse(state, id, purse, broken);
}

}  // namespace

Broken broken_invariants(const State& state) {
  Broken broken;
  Indexed indexed;
  check_calls(state, broken);
  check_workers(state, indexed, broken);
  check_endpoints(state, indexed, broken);
  check_purses(state, broken);
  return broken;
}

}  // namespace ebb::control
