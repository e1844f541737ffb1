// Down when calls are late, up when they end well.
#include "control/concurrency_policy.h"

#include <gtest/gtest.h>

namespace ebb::control {
namespace {

constexpr MonoTime kBegin{seconds(100)};

TEST(AtOnce, ALateCallTakesATenthAndAtLeastOne) {
  struct Row {
    int most;
    int running;
    int then;
  };
  const Row rows[] = {{1'000, 40, 36}, {30, 40, 27}, {8, 8, 7}, {8, 2, 1}, {2, 2, 1}, {1, 1, 1}};
  for (const Row& row : rows) {
    AtOnce at_once{.most = row.most};
    ended_late(at_once, row.running, milliseconds(100), kBegin);
    EXPECT_EQ(at_once.most, row.then) << row.most << " " << row.running;
  }
}

TEST(AtOnce, ThoseThatAreLateTogetherCountOnce) {
  AtOnce at_once;
  ended_late(at_once, 20, milliseconds(100), kBegin);
  ended_late(at_once, 19, milliseconds(100), kBegin + milliseconds(99));
  EXPECT_EQ(at_once.most, 18);
  ended_late(at_once, 18, milliseconds(100), kBegin + milliseconds(100));
  EXPECT_EQ(at_once.most, 17);
}

TEST(AtOnce, GrowsByOneForEachRoundThatEndsWell) {
  AtOnce at_once{.most = 4};
  for (int i = 0; i < 3; ++i)
    ended_well(at_once, 4, 8);
  EXPECT_EQ(at_once.most, 4);
  ended_well(at_once, 2, 8);
  EXPECT_EQ(at_once.most, 4) << "half of them ran: that says nothing";
  ended_well(at_once, 4, 8);
  EXPECT_EQ(at_once.most, 5);
  for (int i = 0; i < 5 + 6 + 7; ++i)
    ended_well(at_once, at_once.most, 8);
  EXPECT_EQ(at_once, AtOnce{}) << "all slots again: no bound at all";
}

}  // namespace
}  // namespace ebb::control
