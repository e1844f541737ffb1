// Traces that list each call, one a line. Times that go back are sorted; the trace begins at its first call.
//
//   azure-llm-2023   CSV: TIMESTAMP (2023-11-16 18:17:03.9799600), ContextTokens, GeneratedTokens
//   mooncake         {"timestamp": MS, "input_length": TOKENS, "output_length": TOKENS, …}
//   ebb-usage        {"endpoint": NAME, "ended": RFC 3339 in UTC, "total_ns": N, "queued_ns": N, "tier", "start_ns", "memory_mib", "prompt_tokens",
//   "completion_tokens", …}:
//                    a domain::UsageRecord by the names that it has in the store, of which all but the first three may be missing. It arrived at ended − total
//                    and ran for total − queued; "start_ns" of cold ones is what a start took. "tier": "init" is the start of an instance, no call, and left
//                    out.
//
// The first two have one function, named by the file. Fields that are not needed are not looked at.
#pragma once

#include <string_view>

#include "base/result.h"
#include "plan/trace.h"
#include "plan/trace_lines.h"

namespace ebb::plan {

// By the first line of a file.
bool is_azure_llm(std::string_view line);
bool is_mooncake(std::string_view line);
bool is_usage(std::string_view line);

// `first` is a copy of the first line of `lines`.
Result<Trace> read_azure_llm(TraceLines lines, std::string_view first);
Result<Trace> read_mooncake(TraceLines lines, std::string_view first);
Result<Trace> read_usage(TraceLines lines, std::string_view first);

}  // namespace ebb::plan
