// What is proposed, and what is left as it is.
#include "plan/propose.h"

#include <gtest/gtest.h>

namespace ebb::plan {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr double kPrice = 0.005;

// `times` calls of a second, one each `gap`, of a function of a GiB.
Trace each(nanoseconds gap, int times, const std::string& name = "a") {
  std::vector<TraceCall> calls;
  for (int i = 0; i < times; ++i)
    calls.push_back({.at = gap * i, .service = seconds(1)});
  return {"test", {{.name = name, .memory_mib = 1024}}, std::move(calls)};
}

Policy with(domain::Scaling scaling) { return {.endpoints = {{"a", {.scaling = std::move(scaling)}}}}; }

TEST(Cost, IsMemoryAndWaits) {
  EXPECT_DOUBLE_EQ(cost_of({.busy_gib_min = 60, .idle_gib_min = 120}, 1), 3);
  EXPECT_DOUBLE_EQ(cost_of({.waited_s = 3}, 1), 1) << "three seconds are worth a GiB for an hour";
}

TEST(Propose, AnEndpointThatIsKeptForNothingIsLetGo) {
  Trace trace = each(hours(24), 7);
  const Proposals proposals = propose(trace, World{}, with({.max = 9, .provisioned = 1}), kPrice);
  ASSERT_EQ(proposals.endpoints.size(), 1U);
  EXPECT_EQ(proposals.endpoints[0].change, "provisioned: 0");
  EXPECT_LT(cost_of(proposals.endpoints[0].then, kPrice), 0.5 * cost_of(proposals.endpoints[0].now, kPrice));
  EXPECT_EQ(proposals.then.policy, "as proposed");
  EXPECT_LT(proposals.then.idle_gib_min, proposals.now.idle_gib_min);
}

TEST(Propose, AnEndpointThatGoesTooSoonIsKept) {
  Trace trace = each(minutes(5), 500);
  const Proposals proposals = propose(trace, World{.start = seconds(10)}, with({.max = 9, .keep = seconds(30)}), kPrice);
  EXPECT_FALSE(proposals.endpoints[0].change.empty());
  EXPECT_LT(proposals.then.cold, 50U);
  EXPECT_GE(proposals.now.cold, 499U);
}

TEST(Propose, WhatIsGoodIsLeftAsItIs) {
  Trace trace = each(seconds(20), 5'000);
  const Proposals proposals = propose(trace, World{}, with({.max = 9}), kPrice);
  EXPECT_EQ(proposals.endpoints[0].change, "");
  EXPECT_EQ(proposals.then.cold, proposals.now.cold);
}

TEST(Propose, OnlyWhatHasSettings) {
  Trace trace = each(hours(1), 5, "removed");
  EXPECT_TRUE(propose(trace, World{}, with({.max = 9}), kPrice).endpoints.empty());
}

}  // namespace
}  // namespace ebb::plan
