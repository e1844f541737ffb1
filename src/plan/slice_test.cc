// What is taken of a trace, and how starts are counted in what came of it.
#include "plan/slice.h"

#include <gtest/gtest.h>

namespace ebb::plan {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// "often" is called each ten seconds, "seldom" each ten minutes, "once" once, "late" after two hours.
Trace four() {
  std::vector<TraceCall> calls;
  for (nanoseconds at{0}; at < hours(2); at += seconds(10)) {
    calls.push_back({.at = at, .service = seconds(6), .function = 0});
    if (at % minutes(10) == nanoseconds{0}) calls.push_back({.at = at, .service = milliseconds(6), .function = 1});
    if (at == minutes(30)) calls.push_back({.at = at, .service = seconds(6), .function = 2});
  }
  calls.push_back({.at = hours(3), .service = seconds(1), .function = 3});
  return {"test", {{.name = "often"}, {.name = "seldom"}, {.name = "once"}, {.name = "late"}}, std::move(calls)};
}

std::vector<std::string> names(const std::vector<Trace>& slice) {
  std::vector<std::string> all;
  for (const Trace& trace : slice)
    all.push_back(trace.functions().front().name);
  return all;
}

TEST(SliceOf, WhatWasSilentMostOften) {
  Trace trace = four();
  const World world;
  EXPECT_EQ(names(*slice_of(trace, world, {.endpoints = 2})), (std::vector<std::string>{"often", "seldom"})) << "one silence each, of these the busier";
  EXPECT_EQ(names(*slice_of(trace, world, {.endpoints = 1})), (std::vector<std::string>{"seldom"}));
  EXPECT_EQ(names(*slice_of(trace, world, {})), (std::vector<std::string>{"often", "seldom", "once"})) << "late is called after the slice";
  EXPECT_EQ(names(*slice_of(trace, world, {.speed = 600})), (std::vector<std::string>{"seldom", "once"})) << "60 calls a second are too many";
  EXPECT_FALSE(slice_of(trace, world, {.length = nanoseconds{0}}));
}

TEST(SliceOf, TimePassesFaster) {
  Trace trace = four();
  std::vector<Trace> slice = *slice_of(trace, World{}, {.speed = 60, .length = hours(1), .endpoints = 3});
  ASSERT_EQ(slice.size(), 3U);
  EXPECT_EQ(slice[0].length(), minutes(1));
  EXPECT_EQ(slice[0].calls(), 360U);
  slice[1].rewind();
  EXPECT_EQ(*slice[1].next(), (TraceCall{.at = nanoseconds{0}, .service = milliseconds(1)})) << "no call is shorter";
  EXPECT_EQ(*slice[1].next(), (TraceCall{.at = seconds(10), .service = milliseconds(1)}));
  EXPECT_EQ(*slice[2].next(), (TraceCall{.at = seconds(30), .service = milliseconds(100)}));
}

TEST(StartsWaitedFor, CallsThatWaitTogetherWaitForOne) {
  const auto record = [](int64_t arrived_ms, int64_t queued_ms, domain::Tier tier) {
    return domain::UsageRecord{
        .ended = WallTime(milliseconds(arrived_ms + queued_ms + 10)), .tier = tier, .queued = milliseconds(queued_ms), .total = milliseconds(queued_ms + 10)};
  };
  EXPECT_EQ(starts_waited_for({}), 0U);
  EXPECT_EQ(starts_waited_for({record(1'000, 50, domain::Tier::kCold), record(1'020, 30, domain::Tier::kCold), record(1'100, 0, domain::Tier::kWarm),
                               record(5'000, 50, domain::Tier::kCold), record(9'000, 1, domain::Tier::kParked)}),
            2U);
}

}  // namespace
}  // namespace ebb::plan
