// Ebb itself on a trace: the same core that decides in the server, in virtual time.
#pragma once

#include "domain/endpoint.h"
#include "plan/outcome.h"
#include "plan/trace.h"

namespace ebb::plan {

// With this as `scaling.keep` nothing goes before memory is short.
inline constexpr milliseconds kKeptForEver = std::chrono::hours(24 * 366);

struct Policy {
  std::string name = "ebb";
  domain::Scaling scaling{.max = 1'000};  // of every endpoint
  double worth = 1;                       // of a caller's wait, in parts of the default
};

// Each function of the trace is an endpoint of a container function. Rewinds the trace.
Outcome replay(Trace& trace, const World& world, const Policy& policy);

}  // namespace ebb::plan
