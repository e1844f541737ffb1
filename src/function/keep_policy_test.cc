// What a function's connections are kept for, by what became of those that waited.
#include "function/keep_policy.h"

#include <gtest/gtest.h>

namespace ebb::function {
namespace {

constexpr MonoTime at(int64_t ms) { return MonoTime{} + seconds(1000) + milliseconds(ms); }

TEST(KeepPolicy, KeepsWhenNobodyWaits) {
  KeepPolicy policy;
  policy.waits(true);
  policy.waited(true, at(0));
  EXPECT_TRUE(policy.keeps(at(0)));
  EXPECT_FALSE(policy.stalls_at());
}

TEST(KeepPolicy, KeepsWhileNewOnesAreAnswered) {
  KeepPolicy policy;
  for (int i = 0; i < 64; ++i)
    policy.waits(true);
  for (int i = 1; i < 64; ++i) {
    policy.waited(true, at(90 * i));
    EXPECT_TRUE(policy.keeps(at(90 * i))) << i;
    EXPECT_FALSE(policy.stalls(at(90 * i + 89))) << i;
  }
  policy.waited(true, at(10'000));
  EXPECT_FALSE(policy.stalls_at()) << "nobody waits on a new one";
}

TEST(KeepPolicy, ClosesWhatIsKeptWhenNobodyElseIsServed) {
  KeepPolicy policy;
  policy.waits(true);
  policy.waits(true);
  policy.waited(true, at(0));
  EXPECT_TRUE(policy.keeps(at(0)));
  EXPECT_EQ(policy.stalls_at(), at(100));
  EXPECT_FALSE(policy.stalls(at(99)));
  EXPECT_TRUE(policy.stalls(at(100)));
  EXPECT_FALSE(policy.stalls(at(101))) << "once";
}

TEST(KeepPolicy, AKeptOneThatIsUsedAllTheTimeStallsOthersToo) {
  KeepPolicy policy;
  policy.waits(true);
  policy.waits(true);
  policy.waited(true, at(0));
  EXPECT_TRUE(policy.keeps(at(0)));
  for (int ms = 1; ms < 100; ++ms) {
    policy.waits(false);
    policy.waited(false, at(ms));
    EXPECT_TRUE(policy.keeps(at(ms)));
  }
  EXPECT_FALSE(policy.keeps(at(100)));
}

TEST(KeepPolicy, TriesAgainAfterPausesThatDouble) {
  KeepPolicy policy;
  policy.waits(true);
  int64_t now = 0;
  for (const int64_t pause : {1'000, 2'000, 4'000, 8'000, 16'000, 32'000, 64'000, 128'000, 256'000, 300'000, 300'000}) {
    EXPECT_TRUE(policy.keeps(at(now)));
    now += kStallMax.count();
    EXPECT_TRUE(policy.stalls(at(now)));
    EXPECT_FALSE(policy.keeps(at(now + pause - 1))) << pause;
    now += pause;
  }
  policy.waited(true, at(now));
  EXPECT_TRUE(policy.keeps(at(now)));
}

}  // namespace
}  // namespace ebb::function
