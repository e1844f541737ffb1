// W3C trace context: reading `traceparent`, and making our own part of the trace. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ebb::wire {

struct TraceContext {
  std::array<uint64_t, 2> trace_id{};  // high, low; never both zero
  uint64_t parent_id = 0;              // never zero
  uint8_t flags = 0;                   // bit 0: sampled, bit 1: the trace id is random
  bool operator==(const TraceContext&) const = default;
};

// Version 00, or the first 55 characters of a higher one. nullopt for anything that the standard calls invalid.
std::optional<TraceContext> parse_traceparent(std::string_view header);
std::string format_traceparent(const TraceContext& trace);
std::string trace_id_hex(const TraceContext& trace);

// The context of our own span: the caller's trace with a new parent id, or a new trace. `random` gives the ids.
struct TraceIds {
  uint64_t high = 0;
  uint64_t low = 0;
  uint64_t span = 0;
};
TraceContext continue_trace(const std::optional<TraceContext>& caller, TraceIds random);

}  // namespace ebb::wire
