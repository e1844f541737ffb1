// Rows of what was there before, and of what came of it.
#include "engine_llama/guess.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ebb::engine_llama {
namespace {

using testing::ElementsAreArray;
using Tokens = std::vector<Token>;

TEST(Guess, WhatFollowedTheLatestTime) {
  const struct {
    Tokens known;
    size_t most;
    Tokens guessed;
  } rows[] = {
      {{}, 4, {}},
      {{1, 2, 3}, 4, {}},
      {{1, 2, 3, 4, 5, 6}, 4, {}},
      {{1, 2, 3, 4, 5, 1, 2, 3}, 2, {4, 5}},
      {{1, 2, 3, 4, 5, 1, 2, 3}, 0, {}},
      {{1, 2, 3, 4, 5, 1, 2, 3}, 7, {4, 5, 1, 2, 3, 4, 5}},
      {{1, 2, 3, 8, 1, 2, 3, 9, 1, 2, 3}, 1, {9}},
      {{7, 2, 3, 4, 1, 2, 3}, 4, {}},         // two are not enough
      {{5, 5, 5, 5}, 4, {5, 5, 5, 5}},        // the same over and over
      {{1, 2, 3, 1, 2, 3}, 4, {1, 2, 3, 1}},  // at the very beginning
  };
  for (const auto& row : rows)
    EXPECT_THAT(guess(row.known, row.most), ElementsAreArray(row.guessed)) << testing::PrintToString(row.known) << ", at most " << row.most;
}

// What came of each, and how many are then guessed for the tokens that follow.
TEST(Guess, MoreWhenTheyWereRightAndNoneForSomeTimeWhenAllWereWrong) {
  GuessPace pace;
  EXPECT_EQ(pace.next(), 2U);
  const struct {
    size_t guessed, right;
    std::vector<size_t> next;
  } rows[] = {
      {2, 2, {4}}, {4, 4, {7}}, {7, 7, {7}}, {7, 1, {7}}, {3, 3, {7}}, {7, 0, {0, 2}}, {2, 0, {0, 0, 2}}, {2, 0, {0, 0, 0, 0, 2}}, {2, 1, {2}}, {2, 0, {0, 2}},
  };
  for (const auto& row : rows) {
    pace.came(row.guessed, row.right);
    for (const size_t next : row.next)
      EXPECT_EQ(pace.next(), next) << row.right << " of " << row.guessed;
  }
  for (int i = 0; i < 10; ++i)
    pace.came(2, 0);
  for (int i = 0; i < 64; ++i)
    EXPECT_EQ(pace.next(), 0U) << i;
  EXPECT_EQ(pace.next(), 2U) << "and no longer than that";
}

}  // namespace
}  // namespace ebb::engine_llama
