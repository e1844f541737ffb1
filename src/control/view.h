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
  std::string_view state;                      // absent, starting, ready, parked, draining, failed
  int slots_busy = 0;
  int slots_ready = 0;
  int waiting = 0;
};

std::vector<EndpointSummary> summaries(const State& state);
std::optional<EndpointSummary> summary_of(const State& state, const std::string& endpoint);

// Of the current revisions, and of those that a worker still runs; null for others.
const domain::Revision* find_revision(const State& state, RevisionId id);

}  // namespace ebb::control
