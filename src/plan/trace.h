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

// Calls in the order of their time, one after the other: a day of a large platform does not fit into memory as calls.
class Trace {
 public:
  Trace(std::string layout, std::vector<TraceFunction> functions, TraceCounts counts, nanoseconds length);
  // `calls` in the order of their time, the first at 0; at least one.
  Trace(std::string layout, std::vector<TraceFunction> functions, std::vector<TraceCall> calls);

  const std::string& layout() const { return layout_; }
  const std::vector<TraceFunction>& functions() const { return functions_; }
  // Of counts, whole days; of listed calls, to the last one.
  nanoseconds length() const { return length_; }
  uint64_t calls() const;
  // nullopt: it is over.
  std::optional<TraceCall> next();
  void rewind();

 private:
  std::string layout_;
  std::vector<TraceFunction> functions_;
  std::variant<TraceCounts, std::vector<TraceCall>> calls_;
  size_t listed_ = 0;  // the next of listed calls
  nanoseconds length_{0};
};

// A file, or a folder with the days of azure-functions-2019. The layout is recognised by the first line. Errors: kNotFound, kIo, kTooLarge, and
// kInvalid with the file, the line and the column.
Result<Trace> read_trace(const std::string& path);

}  // namespace ebb::plan
