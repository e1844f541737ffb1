// Ebb itself on a trace: the same core that decides in the server, in virtual time.
#pragma once

#include "domain/endpoint.h"
#include "plan/outcome.h"
#include "plan/settings.h"
#include "plan/trace.h"

namespace ebb::plan {

// With this as `scaling.keep` nothing goes before memory is short.
inline constexpr milliseconds kKeptForEver = std::chrono::hours(24 * 366);

struct Policy {
  std::string name = "ebb";
  double worth = 1;               // of a caller's wait, in parts of the default
  SettingsByName endpoints = {};  // of those that have their own; else `Settings` as it is
};

// Each function of the trace is an endpoint of a container function, or of a model where its settings say so. Rewinds the trace.
Outcome replay(Trace& trace, const World& world, const Policy& policy);

}  // namespace ebb::plan
