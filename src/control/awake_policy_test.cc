// Rows: calls that come in a steady beat, and whether processors wait awake for the next.
#include "control/awake_policy.h"

#include <gtest/gtest.h>

namespace ebb::control {
namespace {

struct Beats {
  Pace pace;
  MonoTime now{seconds(100)};
  MonoTime look{MonoTime::max()};
  // One call after each such pause; looks come in between, as they do while awake.
  void calls(int count, nanoseconds each) {
    for (int i = 0; i < count; ++i) {
      pause(each);
      count_call(pace, now);
      if (pace.awake && look == MonoTime::max()) look = now + kPaceOver;
    }
  }
  void pause(nanoseconds time) {
    const MonoTime until = now + time;
    while (look <= until) {
      look_at_pace(pace);
      look = pace.awake ? look + kPaceOver : MonoTime::max();
    }
    now = until;
  }
};

TEST(AwakePolicy, ACallEachMillisecondOrMoreKeepsThemAwake) {
  struct Row {
    microseconds each;
    int calls;
    bool awake;
  };
  for (const Row& row :
       {Row{microseconds(10), 9, false}, Row{microseconds(10), 10, true}, Row{microseconds(150), 1'000, true}, Row{microseconds(900), 100, true},
        Row{microseconds(1'200), 100, false}, Row{microseconds(5'000), 1'000, false}, Row{microseconds(1'000'000), 100, false}}) {
    Beats beats;
    beats.calls(row.calls, row.each);
    EXPECT_EQ(beats.pace.awake, row.awake) << row.calls << " calls, one each " << row.each.count() << " us";
  }
}

TEST(AwakePolicy, HalfAsManyAreEnoughToStayAwake) {
  Beats beats;
  beats.calls(100, microseconds(500));
  ASSERT_TRUE(beats.pace.awake);
  beats.calls(100, microseconds(1'900));
  EXPECT_TRUE(beats.pace.awake);
  beats.calls(100, microseconds(2'600));
  EXPECT_FALSE(beats.pace.awake);
}

TEST(AwakePolicy, TheySleepAgainTwentyMillisecondsAfterTheLastCall) {
  Beats beats;
  beats.calls(100, microseconds(100));
  ASSERT_TRUE(beats.pace.awake);
  beats.pause(milliseconds(20));
  EXPECT_FALSE(beats.pace.awake);
  EXPECT_EQ(beats.look, MonoTime::max()) << "nobody looks while they sleep";
}

TEST(AwakePolicy, CallsOfLongAgoDoNotCount) {
  Beats beats;
  for (int burst = 0; burst < 10; ++burst) {
    beats.calls(9, microseconds(1));
    beats.pause(milliseconds(11));
  }
  EXPECT_FALSE(beats.pace.awake);
}

}  // namespace
}  // namespace ebb::control
