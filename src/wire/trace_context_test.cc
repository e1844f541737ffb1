// Rows of the standard: what is read, what is ignored, and that a trace goes on under a new parent.
#include "wire/trace_context.h"

#include <gtest/gtest.h>

namespace ebb::wire {
namespace {

constexpr const char* kGood = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContext, ReadsAndRefuses) {
  struct Row {
    const char* header;
    bool valid;
  };
  const Row rows[] = {
      {kGood, true},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", true},
      {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes-later", true},
      {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what", false},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x", false},
      {"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
      {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", false},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false},
      {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false},
      {"00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01", false},
      {"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
      {"", false},
  };
  for (const Row& row : rows)
    EXPECT_EQ(parse_traceparent(row.header).has_value(), row.valid) << row.header;
}

TEST(TraceContext, GoesOnUnderANewParent) {
  const auto caller = parse_traceparent(kGood);
  EXPECT_EQ(format_traceparent(*caller), kGood);
  EXPECT_EQ(format_traceparent(continue_trace(caller, {.high = 1, .low = 2, .span = 3})), "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000003-01");
  EXPECT_EQ(format_traceparent(continue_trace(std::nullopt, {.high = 0, .low = 0, .span = 0})), "00-00000000000000000000000000000001-0000000000000001-02");
}

}  // namespace
}  // namespace ebb::wire
