// Bounded, in order, and calls do not drive out the rest.
#include "control/journal.h"

#include <gtest/gtest.h>

#include "domain/limits.h"

namespace ebb::control {
namespace {

constexpr auto kMost = domain::kDecisionsPerEndpointMax;

TEST(Journal, KeepsTheLastDecisionsInOrder) {
  Journal journal;
  for (uint64_t i = 1; i <= kMost + 5; ++i)
    journal.add({.id = DecisionId{i}, .call = CallId{i}, .what = "dispatch"});
  const auto kept = journal.all();
  ASSERT_EQ(kept.size(), kMost);
  EXPECT_EQ(kept.front().id, DecisionId{6});
  EXPECT_EQ(kept.back().id, DecisionId{kMost + 5});
  EXPECT_TRUE(journal.of(CallId{5}).empty());
  EXPECT_EQ(journal.of(CallId{6}).size(), 1);
}

TEST(Journal, CallsDoNotDriveOutTheRest) {
  Journal journal;
  journal.add({.id = DecisionId{1}, .what = "start"});
  for (uint64_t i = 2; i <= 2 * kMost; ++i)
    journal.add({.id = DecisionId{i}, .call = CallId{7}, .what = "dispatch"});
  EXPECT_EQ(journal.all().front().what, "start");
  EXPECT_EQ(journal.all().size(), kMost + 1);
}

}  // namespace
}  // namespace ebb::control
