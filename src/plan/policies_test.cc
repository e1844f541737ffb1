// Small traces under every policy: sums that can be done by hand.
#include <gtest/gtest.h>

#include "plan/fixed.h"
#include "plan/knative.h"
#include "plan/replay.h"
#include "plan/report.h"

namespace ebb::plan {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr double kMinute = 60;

// One function of a GiB; a call of a second at each of these times.
Trace trace_of(const std::vector<nanoseconds>& times, nanoseconds service = seconds(1)) {
  std::vector<TraceCall> calls;
  for (const nanoseconds at : times)
    calls.push_back({.at = at, .service = service});
  return {"test", {{.name = "function", .memory_mib = 1024}}, std::move(calls)};
}

Trace each(nanoseconds gap, int times) {
  std::vector<nanoseconds> all;
  for (int i = 0; i < times; ++i)
    all.push_back(gap * i);
  return trace_of(all);
}

TEST(ServiceOf, Rows) {
  const World world{.service = seconds(3), .prompt_tokens_s = 100, .answer_tokens_s = 10};
  EXPECT_EQ(service_of(world, {.service = seconds(7), .prompt_tokens = 5}), seconds(7));
  EXPECT_EQ(service_of(world, {.prompt_tokens = 200, .completion_tokens = 10}), seconds(3));
  EXPECT_EQ(service_of(world, {.prompt_tokens = 50}), milliseconds(500));
  EXPECT_EQ(service_of(world, {}), seconds(3));
}

TEST(Figure, Rows) {
  for (const auto& [value, text] : std::vector<std::pair<double, std::string>>{
           {0, "0"}, {0.01234, "0.0123"}, {0.5, "0.5"}, {3.894e-6, "0.00000389"}, {1e-15, "0"}, {1.5, "1.50"}, {99.999, "100.00"}, {12345.6, "12346"}})
    EXPECT_EQ(figure(value), text);
}

TEST(FixedKeep, HoldsForItsTimeAndStartsAnew) {
  Trace trace = trace_of({seconds(0), minutes(5), minutes(20), minutes(40)});
  const Outcome outcome = fixed_keep(trace, {}, minutes(10));
  EXPECT_EQ(outcome.policy, "kept for 10m");
  EXPECT_EQ(outcome.calls, 4);
  EXPECT_EQ(outcome.cold, 3);
  EXPECT_EQ(outcome.waiting, 3);
  EXPECT_NEAR(outcome.waited_s, 3, 1e-9);
  // Idle: 5 minutes less 2 s, then twice 10 minutes; the last call is at the end of the trace.
  EXPECT_NEAR(outcome.idle_gib_min, 25 - 2 / kMinute, 1e-6);
  EXPECT_NEAR(outcome.busy_gib_min, (2 + 1 + 2) / kMinute, 1e-6);
}

TEST(FixedKeep, CallsAtOnceShareAnInstanceUpToItsNumber) {
  Trace trace = trace_of({seconds(0), seconds(10), seconds(10), seconds(10), seconds(60)}, seconds(5));
  EXPECT_EQ(fixed_keep(trace, {.calls_per_instance = 1}, minutes(10)).cold, 3);
  EXPECT_EQ(fixed_keep(trace, {.calls_per_instance = 3}, minutes(10)).cold, 1);
}

TEST(LeastRecent, GivesUpWhoWasUsedLongestAgo) {
  std::vector<TraceCall> calls;
  for (const auto& [at, function] : std::vector<std::pair<int, uint32_t>>{{0, 0}, {60, 1}, {120, 2}, {180, 1}, {240, 0}, {300, 0}})
    calls.push_back({.at = seconds(at), .service = seconds(1), .function = function});
  Trace trace("test", {{.name = "a", .memory_mib = 1024}, {.name = "b", .memory_mib = 1024}, {.name = "c", .memory_mib = 1024}}, calls);
  const Outcome outcome = least_recent(trace, {.memory_cap_bytes = 2ULL << 30U});
  EXPECT_EQ(outcome.cold, 4) << "a, b, c, and a once more: b was used since";
  EXPECT_LE(outcome.peak_gib, 2.001);
}

TEST(AlwaysOn, HoldsWhatIsNeededAtMost) {
  Trace trace = trace_of({seconds(0), seconds(0), hours(1)}, seconds(10));
  const Outcome outcome = always_on(trace, {.calls_per_instance = 1});
  EXPECT_EQ(outcome.cold, 0);
  EXPECT_NEAR(outcome.idle_gib_min + outcome.busy_gib_min, 2 * 60, 0.1);
}

TEST(Knative, APodGoesWhenItsWindowIsEmpty) {
  Trace trace = trace_of({seconds(0), seconds(50), seconds(200)});
  const Outcome outcome = knative(trace, {});
  EXPECT_EQ(outcome.policy, "Knative KPA");
  EXPECT_EQ(outcome.waiting, 2);
  EXPECT_EQ(outcome.cold, 1) << "the second start is not over when the trace is";
  EXPECT_NEAR(outcome.waited_s, 1, 1e-9);
  // From 0 to 112: the second call is in second 50, so the window is empty at 111, which the next tick sees. Of it 3 are busy.
  EXPECT_NEAR(outcome.instance_s, 112, 1e-9);
  EXPECT_NEAR(outcome.busy_gib_min, 3 / kMinute, 1e-6);
  EXPECT_NEAR(outcome.idle_gib_min, 109 / kMinute, 1e-6);
}

TEST(Knative, ABurstIsSeenAtTheNextTick) {
  std::vector<nanoseconds> times(10, seconds(0));
  times.push_back(seconds(600));
  Trace trace = trace_of(times, seconds(10));
  const Outcome outcome = knative(trace, {.calls_per_instance = 1});
  // Two pods at once, since one call is more than 0.7; at the tick, ten calls ask for 15. Those are ready at 3 s, and eight calls wait for them.
  EXPECT_EQ(outcome.cold, 10);
  EXPECT_EQ(outcome.waiting, 11);
  EXPECT_NEAR(outcome.waited_s, 2 * 1 + 8 * 3, 1e-9);
  EXPECT_NEAR(outcome.peak_gib, 15, 0.1);
}

TEST(Knative, WhatDoesNotFitIsNotStarted) {
  std::vector<nanoseconds> times(10, seconds(0));
  times.push_back(seconds(600));
  Trace trace = trace_of(times, seconds(10));
  const Outcome outcome = knative(trace, {.calls_per_instance = 1, .memory_cap_bytes = 2ULL << 30U});
  EXPECT_EQ(outcome.cold, 2);
  EXPECT_NEAR(outcome.waited_s, 2 * (1 + 11 + 21 + 31 + 41), 1e-9);
  EXPECT_LE(outcome.peak_gib, 2.001);
}

TEST(Knative, AShorterWindowHoldsLessAndStartsMore) {
  Trace trace = each(seconds(45), 200);
  const Outcome brief = knative(trace, {}, seconds(15));
  const Outcome usual = knative(trace, {});
  EXPECT_EQ(brief.policy, "Knative KPA, window 15s");
  EXPECT_EQ(brief.cold, 199);
  EXPECT_EQ(usual.cold, 1);
  EXPECT_LT(brief.instance_s, usual.instance_s / 2);
}

TEST(Replay, EveryCallIsServedAndCounted) {
  Trace trace = each(seconds(30), 100);
  const Outcome outcome = replay(trace, {.calls_per_instance = 1}, {});
  EXPECT_EQ(outcome.calls, 100);
  EXPECT_EQ(outcome.refused, 0);
  EXPECT_LE(outcome.cold, 2) << "the second gap is the first that is learned";
  EXPECT_NEAR(outcome.busy_gib_min, 100 / kMinute, 2 / kMinute);
}

TEST(Replay, AnHourlyCallIsFoundReadyWithLittleIdleMemory) {
  Trace trace = each(hours(1), 48);
  const Outcome ebb = replay(trace, {}, {});
  Trace again = each(hours(1), 48);
  const Outcome fixed = fixed_keep(again, {}, minutes(61));
  EXPECT_LT(ebb.cold, 12);
  EXPECT_LT(ebb.idle_gib_min, 0.3 * fixed.idle_gib_min);
}

TEST(Replay, IsTheSameTwice) {
  Trace trace = each(minutes(7), 60);
  const Outcome once = replay(trace, {}, {});
  const Outcome twice = replay(trace, {}, {});
  EXPECT_EQ(once.cold, twice.cold);
  EXPECT_DOUBLE_EQ(once.idle_gib_min, twice.idle_gib_min);
}

// What comes later changes nothing before it: the beginning of a trace gives the same decisions whatever follows.
TEST(Replay, KnowsNothingOfWhatIsToCome) {
  std::vector<nanoseconds> times;
  for (int i = 0; i < 40; ++i)
    times.push_back(minutes(11) * i);
  times.push_back(hours(10));
  Trace one = trace_of(times);
  for (int i = 1; i < 200; ++i)
    times.push_back(hours(10) + seconds(20) * i);
  Trace other = trace_of(times);
  const Outcome first = replay(one, {}, {});
  const Outcome second = replay(other, {}, {});
  // The course of the first ten hours, in parts of different width: what was held until then.
  const auto held_until = [](const Outcome& outcome, double total_hours) {
    double held = 0;
    const double part = total_hours / kMoments;
    for (size_t i = 0; (static_cast<double>(i) + 1) * part <= 9.5; ++i)
      held += outcome.over_time[i].held_gib * part;
    return held;
  };
  EXPECT_NEAR(held_until(first, 10), held_until(second, 10 + 199 * 20 / 3600.0), 0.1);
}

Report report_of() {
  Trace trace = each(hours(1), 30);
  Report report{.trace = "hours <&>.csv",
                .layout = "test",
                .functions = 1,
                .hours = 29,
                .world = {},
                .memory_price = 0.005,
                .ebb = {},
                .fixed = {},
                .knative = {},
                .others = {}};
  report.ebb.push_back(replay(trace, {}, {}));
  for (const int keep : {1, 10, 61})
    report.fixed.push_back(fixed_keep(trace, {}, minutes(keep)));
  for (const int window : {6, 60})
    report.knative.push_back(knative(trace, {}, seconds(window)));
  report.others.push_back(always_on(trace, {}));
  return report;
}

TEST(Report, ComparesAtEqualMemoryAndAtEqualColdStarts) {
  const std::vector<Outcome> curve{{.cold = 100, .idle_gib_min = 10}, {.cold = 50, .idle_gib_min = 20}};
  EXPECT_DOUBLE_EQ(*on_curve(curve, idle_of, 15, cold_of), 75);
  EXPECT_DOUBLE_EQ(*on_curve(curve, cold_of, 60, idle_of), 18);
  EXPECT_FALSE(on_curve(curve, idle_of, 30, cold_of));
  EXPECT_FALSE(on_curve({}, idle_of, 30, cold_of));
}

TEST(Report, IsAPageWithoutAScriptAndSaysWhatIsInTheTrace) {
  const std::string page = to_html(report_of());
  EXPECT_NE(page.find("hours &lt;&amp;&gt;.csv"), std::string::npos);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("nan"), std::string::npos);
  EXPECT_EQ(page.find("inf"), std::string::npos);
  EXPECT_NE(page.find("<svg"), std::string::npos);
}

TEST(Report, AsJson) {
  const boost::json::object report = to_json(report_of());
  EXPECT_EQ(report.at("ebb").as_array().size(), 1U);
  EXPECT_EQ(report.at("fixed").as_array().size(), 3U);
  EXPECT_EQ(report.at("knative").as_array().size(), 2U);
  for (const char* beside : {"fixed_cold_starts_at_equal_idle", "knative_cold_starts_at_equal_idle", "knative_cold_starts_at_equal_instance_seconds"})
    EXPECT_TRUE(report.at("ebb").as_array()[0].as_object().contains(beside)) << beside;
  EXPECT_FALSE(report.at("findings").as_array().empty());
}

TEST(CloudPrice, IsTimesAndCalls) {
  const Outcome outcome{.calls = 1'000'000, .busy_gib_min = 10, .call_gib_s = 60'000};
  EXPECT_NEAR(cloud_cost(domain::cloud_prices().front(), outcome), 60'000 * 0.0000166667 + 0.20, 1e-9);
}

}  // namespace
}  // namespace ebb::plan
