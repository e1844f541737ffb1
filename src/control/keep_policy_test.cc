// Habits, and what they are worth.
#include "control/keep_policy.h"

#include <gtest/gtest.h>

#include <string_view>

#include "control/demand.h"

namespace ebb::control {
namespace {

constexpr uint64_t kGib = 1ULL << 30U;

domain::GapHistogram each(nanoseconds gap, int times) {
  domain::GapHistogram histogram;
  for (int i = 0; i < times; ++i)
    histogram.add(gap, 0.98);
  return histogram;
}

TEST(Hold, Rows) {
  const domain::GapHistogram nothing;
  const domain::GapHistogram hourly = each(seconds(3600), 20);
  const domain::GapHistogram minutely = each(seconds(60), 20);
  struct Row {
    std::string_view what;
    const domain::GapHistogram& own;
    Stake stake;
    nanoseconds age;
    bool held;
  };
  const Row rows[] = {
      {"whatever was called just now stays", hourly, {.bytes = 64 * kGib, .saves = milliseconds(1)}, seconds(2), true},
      {"nothing is known, and it is large", nothing, {.bytes = kGib, .saves = seconds(1)}, seconds(600), false},
      {"nothing is known, and it is small", nothing, {.bytes = kGib / 64, .saves = seconds(1)}, seconds(600), true},
      {"each minute, and it is dear", minutely, {.bytes = 30 * kGib, .saves = seconds(1)}, seconds(20), false},
      {"each minute, soon", minutely, {.bytes = kGib, .saves = seconds(1)}, seconds(57), true},
      {"each minute, and it was not", minutely, {.bytes = kGib, .saves = seconds(1)}, seconds(600), false},
      {"each hour, long before", hourly, {.bytes = kGib, .saves = seconds(1)}, seconds(1'000), false},
      {"each hour, soon", hourly, {.bytes = kGib, .saves = seconds(1)}, seconds(3'590), true},
      {"a start that takes long is worth more", hourly, {.bytes = kGib, .saves = seconds(600)}, seconds(1'000), true},
  };
  for (const Row& row : rows)
    EXPECT_EQ(hold_at(row.own, nothing, row.stake, row.age).held, row.held) << row.what;
}

TEST(Hold, SaysUntilWhenAndWhenToStart) {
  const domain::GapHistogram hourly = each(seconds(3600), 20);
  const Stake stake{.bytes = kGib, .saves = seconds(1)};
  const Hold before = hold_at(hourly, {}, stake, seconds(1'000));
  EXPECT_FALSE(before.held);
  EXPECT_LT(before.start, seconds(3600));
  EXPECT_GT(before.start, seconds(3000));
  const Hold then = hold_at(hourly, {}, stake, before.start);
  EXPECT_TRUE(then.held);
  EXPECT_EQ(then.start, before.start);
  EXPECT_GT(then.until, seconds(3600));
  EXPECT_GT(then.chance, 0.7);
}

TEST(Hold, LearnsFromOthersWhileItsOwnGapsAreFew) {
  const domain::GapHistogram others = each(seconds(900), 200);
  const Stake stake{.bytes = kGib, .saves = seconds(1)};
  EXPECT_TRUE(hold_at({}, others, stake, domain::GapHistogram::begin_of(domain::GapHistogram::bucket_of(seconds(900)))).held);
  EXPECT_FALSE(hold_at({}, others, stake, seconds(300)).held);
}

TEST(Hold, AShortPauseIsBridged) {
  domain::GapHistogram two;
  for (int i = 0; i < 40; ++i)
    two.add(i % 2 == 0 ? seconds(60) : seconds(300), 0.98);
  const Hold light = hold_at(two, {}, {.bytes = kGib, .saves = seconds(5)}, seconds(60));
  EXPECT_GT(light.until, seconds(300)) << "to the second of the two times";
  const Hold heavy = hold_at(two, {}, {.bytes = 8 * kGib, .saves = seconds(1)}, seconds(60));
  EXPECT_LT(heavy.until, seconds(150));
}

TEST(Hold, AStartAheadMustBeWorthItself) {
  const domain::GapHistogram hourly = each(seconds(3600), 20);
  EXPECT_LT(hold_at(hourly, {}, {.bytes = kGib, .saves = seconds(1)}, seconds(600)).start, nanoseconds::max());
  EXPECT_EQ(hold_at(hourly, {}, {.bytes = 64 * kGib, .saves = seconds(1)}, seconds(600)).start, nanoseconds::max());
  EXPECT_EQ(hold_at({}, {}, {.bytes = kGib, .saves = seconds(1)}, seconds(600)).start, nanoseconds::max()) << "nothing is known";
}

TEST(Hold, NothingIsHeldForEver) {
  const Hold hold = hold_at({}, {}, {.bytes = 1, .saves = seconds(3600)}, std::chrono::hours(24 * 9));
  EXPECT_TRUE(!hold.held || hold.until < nanoseconds::max());
}

TEST(WorthOf, WhoIsCalledSoonestForItsBytesIsWorthMost) {
  const domain::GapHistogram nothing;
  const domain::GapHistogram hourly = each(seconds(3600), 20);
  const domain::GapHistogram minutely = each(seconds(60), 20);
  struct Row {
    std::string_view what;
    const domain::GapHistogram& own;
    uint64_t bytes;
    nanoseconds age;
  };
  // From the least worth to the most. What is certain to come counts before its time, by how long it is to be held until then.
  const Row rows[] = {
      {"each minute, and it was not for long", minutely, kGib, std::chrono::hours(20)},
      {"each hour, long before", hourly, kGib, seconds(60)},
      {"each hour, in half an hour", hourly, kGib, seconds(1'800)},
      {"the same, and it is small", hourly, kGib / 16, seconds(1'800)},
      {"each minute, in 50 seconds", minutely, kGib / 2, seconds(10)},
      {"each minute, soon", minutely, kGib / 2, seconds(50)},
      {"it was called just now", nothing, kGib / 2, seconds(1)},
  };
  double last = 0;
  for (const Row& row : rows) {
    const double worth = worth_of(row.own, nothing, {.bytes = row.bytes, .saves = seconds(1)}, row.age);
    EXPECT_GT(worth, last) << row.what;
    last = worth;
  }
}

TEST(HoldAt, ForWhichSomethingElseGoesAStartIsSurerOfItsCall) {
  domain::GapHistogram one_of_two = each(seconds(3600), 10);
  for (int i = 0; i < 10; ++i)
    one_of_two.add(std::chrono::hours(20), 1);
  struct Row {
    const char* what;
    const domain::GapHistogram& own;
    double sure;
    bool starts;
  };
  const domain::GapHistogram hourly = each(seconds(3600), 40);
  const Row rows[] = {
      {"each hour", hourly, 0, true},
      {"each hour, and sure of it", hourly, kSureOfIt, true},
      {"every other hour", one_of_two, 0, true},
      {"every other hour, which is not sure", one_of_two, kSureOfIt, false},
  };
  for (const Row& row : rows) {
    const Stake stake{.bytes = kGib, .saves = seconds(1), .worth_byte_seconds = 10 * kWorthByteSeconds, .sure = row.sure};
    EXPECT_EQ(hold_at(row.own, {}, stake, seconds(1'800)).start < seconds(3'700), row.starts) << row.what;
  }
}

TEST(OthersGaps, AreOfThoseThatSawAsMany) {
  OthersGaps all;
  Demand often;
  Demand once;
  const auto call = [&](Demand& demand, int begin) {
    demand.changed(1, 1, MonoTime(seconds(begin)), all);
    demand.changed(-1, 1, MonoTime(seconds(begin + 1)), all);
  };
  for (int i = 0; i < 100; ++i)
    call(often, 100 * i);
  call(once, 0);
  call(once, 5'000);
  EXPECT_NEAR(once.gaps.of(0).total(), 1, 1e-9);
  struct Row {
    double seen, gaps;
  };
  // The second one's was a first gap; of the other's 99, which fade, one was first, one second, and seven until eight are as good as seen.
  for (const Row& row : {Row{0, 2}, {1, 1}, {2, 7}, {7, 7}, {8, 90}, {49, 90}})
    EXPECT_NEAR(all.of(0, row.seen).total(), row.gaps, 0.05) << row.seen;
}

TEST(Demand, HeightsRiseByOneAndThenByEighths) {
  EXPECT_EQ(height_of(-1), 0);
  for (int rank = 1; rank < 4'096; ++rank) {
    EXPECT_LE(height_of(rank) - height_of(rank - 1), 1U) << rank;
    if (rank < 16) {
      EXPECT_EQ(height_of(rank), static_cast<size_t>(rank));
    }
  }
  EXPECT_EQ(height_of(16), height_of(17));
  EXPECT_LT(height_of(4'095), 90U);
}

TEST(Demand, GapsAreOfLevels) {
  OthersGaps all;
  Demand demand;
  const auto at = [](int s) { return MonoTime(seconds(s)); };
  demand.changed(1, 1, at(100), all);
  demand.changed(1, 1, at(101), all);
  EXPECT_EQ(demand.level, 2);
  demand.changed(-1, 1, at(110), all);
  EXPECT_EQ(demand.idle_for(1, at(0), at(130)), seconds(20));
  EXPECT_EQ(demand.idle_for(0, at(0), at(130)), seconds(0));
  EXPECT_EQ(demand.idle_for(5, at(90), at(130)), seconds(40));
  demand.rise = {.rank = 1, .until = at(131)};
  EXPECT_EQ(demand.idle_for(1, at(0), at(130)), seconds(0)) << "expected to be needed";
  EXPECT_EQ(demand.idle_for(1, at(0), at(131)), seconds(21)) << "no more";
  demand.changed(1, 1, at(130), all);
  EXPECT_NEAR(demand.gaps.of(1).total(), 1, 1e-9);
  EXPECT_NEAR(all.of(1, 0).total(), 1, 1e-9) << "a first gap";
  EXPECT_NEAR(demand.gaps.of(0).total(), 0, 1e-9);
  demand.changed(-2, 1, at(131), all);
  demand.changed(1, 1, at(132), all);
  EXPECT_NEAR(demand.gaps.of(0).total(), 0, 1e-9) << "a pause of a second is no gap";
}

}  // namespace
}  // namespace ebb::control
