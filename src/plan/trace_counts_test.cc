// Playback of counted calls: in order, all of them, at the same times on every machine.
#include "plan/trace_counts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>

namespace ebb::plan {
namespace {

std::vector<TraceCall> play(TraceCounts& counts) {
  std::vector<TraceCall> out;
  while (const std::optional<TraceCall> call = counts.next())
    out.push_back(*call);
  return out;
}

std::vector<int64_t> seconds_of(const std::vector<TraceCall>& calls) {
  std::vector<int64_t> out;
  for (const TraceCall& call : calls)
    out.push_back(std::chrono::duration_cast<seconds>(call.at).count());
  return out;
}

TEST(TraceCounts, CallsAreSpacedEvenlyFromThePhaseOfTheirFunction) {
  TraceCounts counts;
  const uint32_t timer = counts.add_function(25'000'000'000);  // 25 s after the full minute
  counts.add(timer, 0, 1);
  counts.add(timer, 5, 1);
  counts.add(timer, 6, 3);
  counts.add(timer, 1441, 2);
  counts.rewind();
  EXPECT_EQ(seconds_of(play(counts)), (std::vector<int64_t>{25, 325, 365, 385, 405, 86'460 + 25, 86'460 + 55}));
}

TEST(TraceCounts, TimesOfCallsAtOneMomentAreInTheOrderOfFunctions) {
  TraceCounts counts;
  for (int i = 0; i < 3; ++i)
    counts.add(counts.add_function(0), 2, 1);
  counts.rewind();
  std::vector<uint32_t> order;
  for (const TraceCall& call : play(counts))
    order.push_back(call.function);
  EXPECT_EQ(order, (std::vector<uint32_t>{0, 1, 2}));
}

TEST(TraceCounts, ServiceTimesAreLinearBetweenPercentiles) {
  const ServiceTimes times = {0, 10, 20, 40, 40, 100, 300};
  struct Row {
    double position;
    int64_t us;
  };
  for (const Row& row :
       std::initializer_list<Row>{{0, 0}, {0.005, 5'000}, {0.13, 15'000}, {0.375, 30'000}, {0.6, 40'000}, {0.995, 200'000}, {1, 300'000}, {2, 300'000}})
    EXPECT_NEAR(static_cast<double>(service_time(times, row.position).count()), static_cast<double>(row.us) * 1e3, 10) << row.position;
}

TEST(TraceCounts, ServiceTimesFollowTheirPercentiles) {
  TraceCounts counts;
  const uint32_t function = counts.add_function(7);
  counts.set_service(function, {1, 2, 100, 200, 300, 1000, 2000});
  counts.add(function, 0, 10'000);
  counts.rewind();
  int below_median = 0;
  int above_99 = 0;
  for (const TraceCall& call : play(counts)) {
    EXPECT_GE(call.service, milliseconds(1));
    EXPECT_LE(call.service, milliseconds(2000));
    below_median += call.service < milliseconds(200) ? 1 : 0;
    above_99 += call.service > milliseconds(1000) ? 1 : 0;
  }
  EXPECT_NEAR(below_median, 5'000, 200);
  EXPECT_NEAR(above_99, 100, 40);
}

TEST(TraceCounts, WithoutCallsNothingIsPlayed) {
  TraceCounts counts;
  counts.rewind();
  EXPECT_FALSE(counts.next());
  counts.add_function(1);
  counts.rewind();
  EXPECT_FALSE(counts.next());
}

// One random trace; its counts come out as they went in.
void expect_counts_come_back(uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto pick = [&](uint64_t n) { return static_cast<uint32_t>(random() % n); };
  TraceCounts counts;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> expected;  // by minute and function
  for (uint32_t left = pick(20); left > 0; --left) {
    const uint32_t function = counts.add_function(random());
    counts.set_service(function, {0, 1, 2, 3, 4, 5, 6});
    for (uint32_t minute = pick(300); minute < 2'000; minute += 1 + pick(300)) {
      const uint32_t calls = 1 + pick(pick(5) == 0 ? 1'000 : 3);
      counts.add(function, minute, calls);
      expected[{minute, function}] = calls;
    }
  }
  counts.rewind();
  const std::vector<TraceCall> calls = play(counts);
  EXPECT_EQ(calls.size(), counts.calls());
  EXPECT_EQ(expected.size(), counts.size());
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> got;
  for (const TraceCall& call : calls)
    ++got[{static_cast<uint32_t>(call.at / std::chrono::minutes(1)), call.function}];
  EXPECT_TRUE(std::ranges::is_sorted(calls, {}, &TraceCall::at));
  EXPECT_EQ(got, expected);
  counts.rewind();
  EXPECT_EQ(play(counts), calls) << "played again";
}

TEST(TraceCounts, OfRandomTracesComeBack) {
  const char* given = std::getenv("EBB_SEED");
  const uint64_t first = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  for (uint64_t seed = first; seed < first + (given != nullptr ? 1 : 50); ++seed) {
    SCOPED_TRACE(testing::Message() << "repeat with EBB_SEED=" << seed);
    expect_counts_come_back(seed);
  }
}

}  // namespace
}  // namespace ebb::plan
