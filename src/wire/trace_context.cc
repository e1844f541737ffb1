// Fixed columns and lower-case hex, as the standard has it.
#include "wire/trace_context.h"

#include <fmt/format.h>

namespace ebb::wire {

namespace {

constexpr size_t kLength = 55;  // 00-<32>-<16>-<2>
constexpr uint8_t kFlagsKnown = 3;

// Lower-case hex digits only, which std::from_chars would not insist on.
bool read_hex(std::string_view digits, uint64_t& value) {
  value = 0;
  for (const char c : digits) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return false;
    value = value << 4U | static_cast<uint64_t>(digit);
  }
  return true;
}

}  // namespace

std::optional<TraceContext> parse_traceparent(std::string_view header) {
  if (header.size() < kLength || header[2] != '-' || header[35] != '-' || header[52] != '-') return std::nullopt;
  uint64_t version = 0;
  uint64_t flags = 0;
  TraceContext trace;
  if (!read_hex(header.substr(0, 2), version) || version == 0xff) return std::nullopt;
  if (header.size() > kLength && (version == 0 || header[kLength] != '-')) return std::nullopt;
  if (!read_hex(header.substr(3, 16), trace.trace_id[0]) || !read_hex(header.substr(19, 16), trace.trace_id[1])) return std::nullopt;
  if (!read_hex(header.substr(36, 16), trace.parent_id) || !read_hex(header.substr(53, 2), flags)) return std::nullopt;
  if ((trace.trace_id[0] | trace.trace_id[1]) == 0 || trace.parent_id == 0) return std::nullopt;
  trace.flags = static_cast<uint8_t>(flags & kFlagsKnown);
  return trace;
}

std::string trace_id_hex(const TraceContext& trace) { return fmt::format("{:016x}{:016x}", trace.trace_id[0], trace.trace_id[1]); }

std::string format_traceparent(const TraceContext& trace) {
  return fmt::format("00-{}-{:016x}-{:02x}", trace_id_hex(trace), trace.parent_id, static_cast<unsigned>(trace.flags));
}

TraceContext continue_trace(const std::optional<TraceContext>& caller, TraceIds random) {
  TraceContext ours = caller.value_or(TraceContext{.trace_id = {random.high, random.low | 1U}, .parent_id = 0, .flags = 2});
  ours.parent_id = random.span == 0 ? 1 : random.span;
  return ours;
}

}  // namespace ebb::wire
