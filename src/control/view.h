// What people ask of the state: endpoints as `ebb ps` shows them. Pure, read-only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/state.h"

namespace ebb::control {

struct EndpointSummary {
  const domain::Revision* revision = nullptr;  // into the state
  std::string_view state;                      // absent, prepared, starting, ready, parking, parked, draining, failed
  int slots_busy = 0;
  int slots_ready = 0;
  int waiting = 0;                        // those that are held in the middle of their answer among them
  uint64_t memory_bytes = 0;              // of all its workers, as last measured
  std::optional<MonoTime> last_call;      // when a call last came or ended; nothing: never
  std::optional<MonoTime> refuses_until;  // its workers died too often in a row: until then calls are told so
};

struct WorkerSummary {
  WorkerId worker;
  std::string endpoint;
  RevisionId revision;
  std::string_view state;  // starting, waking, ready, parking, parked, draining, ending
  int slots_busy = 0;
  int slots = 0;
  int threads = 0;
  uint64_t memory_bytes = 0;
};

std::vector<EndpointSummary> summaries(const State& state);
std::optional<EndpointSummary> summary_of(const State& state, const std::string& endpoint);

// What a worker counts for: as measured, or as admitted where it is not. Zero: there is no such worker.
uint64_t counted_bytes(const State& state, WorkerId worker);

// In the order of their start.
std::vector<WorkerSummary> worker_summaries(const State& state);

// Of the current revisions, and of those that a worker still runs; null for others.
const domain::Revision* find_revision(const State& state, RevisionId id);

}  // namespace ebb::control
