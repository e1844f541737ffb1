// Calls that grow: when one more instance is expected, and what is learned of those that do not.
#include "control/rise_policy.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ebb::control {
namespace {

constexpr int kPerInstance = 10;
constexpr uint64_t kGib = 1ULL << 30U;

// Calls one after the other, at times that the test says; a start takes a second.
struct Growing {
  Rise rise;
  MonoTime now{seconds(100)};
  int calls = 0;
  int opened_at = 0;  // calls, when a rise opened last
  bool to(int wanted, nanoseconds each) {
    bool opened = false;
    while (calls != wanted) {
      now += each;
      const int before = calls;
      calls += wanted > calls ? 1 : -1;
      const int level = (calls + kPerInstance - 1) / kPerInstance;
      if (!count_rise(rise, {.before = before, .now = calls, .level = level, .per_instance = kPerInstance}, seconds(1), now)) continue;
      opened = true;
      opened_at = calls;
    }
    return opened;
  }
};

TEST(Rise, OpensBeforeTheInstanceIsFull) {
  struct Row {
    const char* name;
    int from;
    int to;
    nanoseconds each;
    bool opens;
  };
  const std::vector<Row> rows{{"from nothing, fast", 0, 10, milliseconds(200), true},
                              {"from nothing, within seconds", 0, 10, seconds(1), true},
                              {"a burst is over before a start would be", 0, 9, milliseconds(50), false},
                              {"nor if it is alone after a while", 1, 9, milliseconds(50), false},
                              {"one in a minute is no rise", 0, 9, seconds(60), false},
                              {"few calls", 0, 7, milliseconds(200), false},
                              {"fewer", 10, 1, milliseconds(200), false}};
  for (const Row& row : rows) {
    Growing growing;
    growing.to(row.from, seconds(600));
    growing.rise = {.usual = static_cast<double>(row.from), .counted = growing.now};
    EXPECT_EQ(growing.to(row.to, row.each), row.opens) << row.name;
    EXPECT_LE(growing.opened_at, kPerInstance) << row.name;
    EXPECT_EQ(growing.rise.expects(1, growing.now), row.opens) << row.name;
    EXPECT_FALSE(growing.rise.expects(2, growing.now)) << row.name;
  }
}

TEST(Rise, GoesOnOnceOneMoreIsNeededAndMayOpenTheNext) {
  Growing growing;
  ASSERT_TRUE(growing.to(10, milliseconds(200)));
  growing.to(11, milliseconds(200));
  EXPECT_EQ(growing.rise.rank, 0);
  EXPECT_NEAR(growing.rise.went_on, 1, 1e-9);
  ASSERT_TRUE(growing.to(20, milliseconds(200)));
  EXPECT_EQ(growing.rise.rank, 2);
}

TEST(Rise, IsOverWhenCallsAreAsFewAsUsual) {
  Growing growing;
  ASSERT_TRUE(growing.to(10, milliseconds(200)));
  growing.to(0, milliseconds(200));
  EXPECT_EQ(growing.rise.rank, 0);
  EXPECT_NEAR(growing.rise.came_to_nothing, 1, 1e-9);
}

TEST(Rise, IsOverAfterTheTimeThatWasLookedBackUpon) {
  Growing growing;
  ASSERT_TRUE(growing.to(9, milliseconds(200)));
  EXPECT_TRUE(growing.rise.expects(1, growing.now + seconds(19)));
  EXPECT_FALSE(growing.rise.expects(1, growing.now + seconds(21))) << "even where nothing is counted any more";
  growing.to(8, seconds(21));
  EXPECT_NEAR(growing.rise.came_to_nothing, 1, 1e-9);
  EXPECT_FALSE(growing.to(9, milliseconds(200))) << "it is the same rise";
}

TEST(Rise, WhatGrowsNoFurtherIsLearned) {
  Growing growing;
  const Stake stake{.bytes = kGib, .saves = seconds(1)};
  EXPECT_TRUE(pays_to_start(growing.rise, stake)) << "nothing is known against it";
  for (int burst = 0; burst < 3; ++burst) {
    ASSERT_TRUE(growing.to(10, milliseconds(200)));
    growing.to(0, milliseconds(200));
    growing.now += seconds(600);
  }
  EXPECT_FALSE(pays_to_start(growing.rise, stake));
  for (int burst = 0; burst < 4; ++burst) {
    growing.to(11, milliseconds(200));
    growing.to(0, milliseconds(200));
    growing.now += seconds(600);
  }
  EXPECT_TRUE(pays_to_start(growing.rise, stake)) << "and that they do now";
}

TEST(Rise, AStartIsWorthItsMemory) {
  struct Row {
    const char* name;
    Rise rise;
    Stake stake;
    bool pays;
  };
  const Rise sure{.went_on = 20};
  const std::vector<Row> rows{{"a GiB", sure, {.bytes = kGib, .saves = seconds(1)}, true},
                              {"as much as a wait is worth", sure, {.bytes = 24 * kGib, .saves = seconds(1)}, false},
                              {"where others want the memory", sure, {.bytes = kGib, .saves = seconds(1), .worth_byte_seconds = 40.0 * kGib}, false},
                              {"however long a start takes", sure, {.bytes = kGib, .saves = seconds(30)}, true},
                              {"as often as not", {}, {.bytes = kGib, .saves = seconds(1)}, true},
                              {"less often", {.came_to_nothing = 1}, {.bytes = kGib, .saves = seconds(1)}, false}};
  for (const Row& row : rows)
    EXPECT_EQ(pays_to_start(row.rise, row.stake), row.pays) << row.name;
}

}  // namespace
}  // namespace ebb::control
