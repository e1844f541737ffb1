// The words of tiers and outcomes read back: they stand in the store.
#include "domain/usage.h"

#include <gtest/gtest.h>

namespace ebb::domain {
namespace {

TEST(UsageWords, ReadBack) {
  for (const Tier tier : {Tier::kWarm, Tier::kParked, Tier::kCold})
    EXPECT_EQ(*parse_tier(to_string(tier)), tier);
  for (const Outcome outcome : {Outcome::kOk, Outcome::kLeft, Outcome::kTimeout, Outcome::kRefused, Outcome::kFailed, Outcome::kFault})
    EXPECT_EQ(*parse_outcome(to_string(outcome)), outcome);
  EXPECT_FALSE(parse_tier("hot"));
  EXPECT_FALSE(parse_outcome(""));
}

}  // namespace
}  // namespace ebb::domain
