// Rows of deaths and pauses.
#include "control/failure_policy.h"

#include <gtest/gtest.h>

namespace ebb::control {
namespace {

TEST(AfterDeath, Rows) {
  struct Row {
    bool gave_text;
    int kills;
    bool time_left;
    AfterDeath after;
  };
  const Row rows[] = {{false, 1, true, AfterDeath::kRetry},   {false, 1, false, AfterDeath::kTooLate}, {false, 2, true, AfterDeath::kPoison},
                      {false, 2, false, AfterDeath::kPoison}, {true, 1, true, AfterDeath::kBroken},    {true, 2, true, AfterDeath::kBroken}};
  for (const Row& row : rows)
    EXPECT_EQ(after_death(row.gave_text, row.kills, row.time_left), row.after) << row.gave_text << row.kills << row.time_left;
}

TEST(BackOff, DoublesToABound) {
  EXPECT_EQ(back_off(0), nanoseconds(0));
  EXPECT_EQ(back_off(1), nanoseconds(0)) << "the first death is tried again at once";
  EXPECT_EQ(back_off(2), milliseconds(250));
  EXPECT_EQ(back_off(3), milliseconds(500));
  EXPECT_EQ(back_off(5), seconds(2));
  EXPECT_EQ(back_off(9), seconds(30));
  EXPECT_EQ(back_off(1'000'000), seconds(30));
}

TEST(LoadSilenceMax, GrowsWithTheModel) {
  EXPECT_EQ(load_silence_max(0), seconds(30));
  EXPECT_EQ(load_silence_max(5ULL << 30U), seconds(30 + 102));
}

TEST(LoadTimeMax, HasAnEndAndIsLongerThanTheSilence) {
  EXPECT_EQ(load_time_max(0), seconds(60));
  EXPECT_EQ(load_time_max(5ULL << 30U), seconds(60 + 512));
  EXPECT_GT(load_time_max(5ULL << 30U), load_silence_max(5ULL << 30U));
}

}  // namespace
}  // namespace ebb::control
