// A recorded day of traffic, read from a file in one of the layouts that such records are published in, or in Ebb's own.
//
//   azure-functions-2019   counts of calls by function and minute, with files of run times and memory beside it (trace_azure.h)
//   azure-llm-2023         CSV: TIMESTAMP, ContextTokens, GeneratedTokens (trace_listed.h)
//   mooncake               JSON lines: timestamp in ms, input_length, output_length
//   ebb-usage              JSON lines: usage records of Ebb
//
// One thread; reading blocks.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "plan/trace_call.h"
#include "plan/trace_counts.h"

namespace ebb::plan {

// What listed calls do not say themselves.
struct TraceSpan {
  WallTime begin{};       // the time at 0: schedules go by it. 1970 where nothing is known
  nanoseconds length{0};  // 0: to the last call
};

// Calls in the order of their time, one after the other: a day of a large platform does not fit into memory as calls.
class Trace {
 public:
  Trace(std::string layout, std::vector<TraceFunction> functions, TraceCounts counts, nanoseconds length);
  // `calls` in the order of their time; at least one.
  Trace(std::string layout, std::vector<TraceFunction> functions, std::vector<TraceCall> calls, TraceSpan span = {});

  const std::string& layout() const { return layout_; }
  const std::vector<TraceFunction>& functions() const { return functions_; }
  // To say of them what the trace does not.
  std::vector<TraceFunction>& functions() { return functions_; }
  WallTime begin() const { return begin_; }
  // Of counts, whole days; of listed calls, to the last one.
  nanoseconds length() const { return length_; }
  uint64_t calls() const;
  // nullopt: it is over.
  std::optional<TraceCall> next();
  void rewind();
  // It is not over before then, though no call comes any more.
  void go_on_until(WallTime end);

 private:
  std::string layout_;
  std::vector<TraceFunction> functions_;
  std::variant<TraceCounts, std::vector<TraceCall>> calls_;
  size_t listed_ = 0;  // the next of listed calls
  WallTime begin_{};
  nanoseconds length_{0};
};

// Of its functions that say what a start takes; nullopt: none does.
std::optional<nanoseconds> mean_start(const Trace& trace);

// A file, or a folder with the days of azure-functions-2019. The layout is recognised by the first line. Errors: kNotFound, kIo, kTooLarge, and
// kInvalid with the file, the line and the column.
Result<Trace> read_trace(const std::string& path);

}  // namespace ebb::plan
