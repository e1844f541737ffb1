// Values of a traffic trace, and how much of one is read.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/time.h"

namespace ebb::plan {

// A whole cloud's day has some 50,000 functions. Each takes about 500 bytes while it is read.
inline constexpr size_t kTraceFunctionsMax = 1'000'000;
// Of traces that list each call: 32 bytes each.
inline constexpr size_t kTraceListedCallsMax = 20'000'000;
// Of traces that count calls: minutes of functions that have any, 2 or 3 bytes each. Two weeks of a whole cloud have half as many.
inline constexpr uint64_t kTraceCountsMax = 300'000'000;
// Calls of a function in one minute, far past what one platform has in all: 160,000 a second.
inline constexpr uint32_t kTraceCallsPerMinuteMax = 10'000'000;
inline constexpr uint32_t kTraceDaysMax = 366;
// A row of 1,440 minutes has 10 KiB; a prompt's list of blocks, 100.
inline constexpr size_t kTraceLineBytesMax = 1024 * 1024;

// One endpoint of the trace.
struct TraceFunction {
  std::string name;  // a legal name of an endpoint, unique in the trace: trace_names.h
  // 0: the trace does not say, and what the plan assumes holds.
  int64_t memory_mib = 0;
  nanoseconds start{0};        // of an instance
  int calls_per_instance = 0;  // at once
  bool operator==(const TraceFunction&) const = default;
};

struct TraceCall {
  nanoseconds at{0};          // since the trace's begin
  nanoseconds service{0};     // how long it runs in its slot; 0: the trace does not say
  uint32_t function = 0;      // index into the trace's functions
  int32_t prompt_tokens = 0;  // 0: the trace does not say
  int32_t completion_tokens = 0;
  auto operator<=>(const TraceCall&) const = default;
};

}  // namespace ebb::plan
