// Which layout a file has, and the two kinds of traces as one.
#include "plan/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/check.h"
#include "plan/trace_azure.h"
#include "plan/trace_lines.h"
#include "plan/trace_listed.h"

namespace ebb::plan {

Result<Trace> read_trace(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return read_azure_days(path);
  Result<TraceLines> lines = TraceLines::open(path);
  if (!lines) return fail(lines.error());
  const Result<std::optional<std::string_view>> first = lines->next();
  if (!first) return fail(first.error());
  if (!*first) return fail(ErrorKind::kInvalid, fmt::format("{} is empty: a trace has a line for each function or call", path));
  const std::string head(**first);
  if (is_azure_functions(head)) return read_azure_day(std::move(*lines), head);
  if (is_azure_llm(head)) return read_azure_llm(std::move(*lines), head);
  if (is_mooncake(head)) return read_mooncake(std::move(*lines), head);
  if (is_usage(head)) return read_usage(std::move(*lines), head);
  return lines->refuse(
      "it begins like none of the known traces: azure-functions-2019 (CSV with HashApp, HashFunction and 1440 minutes), azure-llm-2023 (CSV with TIMESTAMP, "
      "ContextTokens and GeneratedTokens), mooncake (JSON lines with timestamp, input_length and output_length), ebb-usage (JSON lines with endpoint, ended "
      "and "
      "total_ns)");
}

Trace::Trace(std::string layout, std::vector<TraceFunction> functions, TraceCounts counts, nanoseconds length)
    : layout_(std::move(layout)), functions_(std::move(functions)), calls_(std::move(counts)), length_(length) {
  rewind();
}

Trace::Trace(std::string layout, std::vector<TraceFunction> functions, std::vector<TraceCall> calls, TraceSpan span)
    : layout_(std::move(layout)), functions_(std::move(functions)), begin_(span.begin) {
  EBB_CHECK(!calls.empty());
  length_ = std::max(calls.back().at, span.length);
  calls_ = std::move(calls);
}

uint64_t Trace::calls() const {
  if (const auto* counts = std::get_if<TraceCounts>(&calls_)) return counts->calls();
  return std::get<std::vector<TraceCall>>(calls_).size();
}

std::optional<TraceCall> Trace::next() {
  if (auto* counts = std::get_if<TraceCounts>(&calls_)) return counts->next();
  const auto& listed = std::get<std::vector<TraceCall>>(calls_);
  if (listed_ == listed.size()) return std::nullopt;
  return listed[listed_++];
}

std::optional<nanoseconds> mean_start(const Trace& trace) {
  nanoseconds sum{0};
  int64_t count = 0;
  for (const TraceFunction& function : trace.functions()) {
    if (function.start.count() == 0) continue;
    sum += function.start;
    ++count;
  }
  return count == 0 ? std::nullopt : std::optional(sum / count);
}

void Trace::go_on_until(WallTime end) { length_ = std::max<nanoseconds>(length_, end - begin_); }

void Trace::rewind() {
  if (auto* counts = std::get_if<TraceCounts>(&calls_)) counts->rewind();
  listed_ = 0;
}

}  // namespace ebb::plan
