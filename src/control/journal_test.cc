// Bounded by endpoint, and by the number of endpoints that anyone can make up.
#include "control/journal.h"

#include <gtest/gtest.h>

#include "domain/limits.h"

namespace ebb::control {
namespace {

TEST(Journal, KeepsTheLastDecisionsInOrder) {
  Journal journal;
  for (size_t i = 0; i < domain::kDecisionsPerEndpointMax + 5; ++i)
    journal.add({.endpoint = "chat", .what = "dispatch", .because = std::to_string(i)});
  const auto kept = journal.of("chat");
  ASSERT_EQ(kept.size(), domain::kDecisionsPerEndpointMax);
  EXPECT_EQ(kept.front().because, "5");
  EXPECT_LT(kept.front().id, kept.back().id);
  journal.forget("chat");
  EXPECT_TRUE(journal.of("chat").empty());
}

TEST(Journal, NamesThatStrangersMakeUpDoNotFillIt) {
  Journal journal;
  for (size_t i = 0; i < domain::kEndpointsMax + 1'000; ++i)
    journal.add({.endpoint = "x" + std::to_string(i), .what = "refuse"});
  EXPECT_FALSE(journal.of("x0").empty());
  EXPECT_TRUE(journal.of("x" + std::to_string(domain::kEndpointsMax + 500)).empty());
}

}  // namespace
}  // namespace ebb::control
