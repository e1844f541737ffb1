// A part of a trace that can be lived through: some of its endpoints, its first minutes, and time that passes faster.
#pragma once

#include <vector>

#include "base/result.h"
#include "domain/usage.h"
#include "plan/outcome.h"
#include "plan/trace.h"

namespace ebb::plan {

struct SliceWanted {
  double speed = 60;                           // so many seconds of the trace in one
  nanoseconds length = std::chrono::hours(2);  // of the trace
  size_t endpoints = 8;
};

// More calls than this in a second, on an average, and a live run would measure the sender.
inline constexpr double kSliceCallsPerSecondMax = 10;
// What is called again after a silence of so long (of the trace) says something about starts.
inline constexpr nanoseconds kSliceSilence = std::chrono::minutes(1);

// In its own, faster time. Always the same of the same trace: those endpoints that were called after the most silences, of equal ones the busiest, then the
// first. How long a call runs is in whole milliseconds, at least one. Error: kInvalid if no call is left.
Result<std::vector<Trace>> slice_of(Trace& trace, const World& world, const SliceWanted& wanted);

// Starts that calls waited for, by the records of one endpoint: calls that wait together wait for the same one.
uint64_t starts_waited_for(std::vector<domain::UsageRecord> records);

}  // namespace ebb::plan
