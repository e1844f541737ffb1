// Which logit is taken when nothing else has a say.
#include "engine_llama/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

namespace ebb::engine_llama {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

TEST(FirstOfHighest, IsWhatLookingAtEachOneByOneFinds) {
  std::mt19937 random(1);
  for (const size_t size : {1U, 2U, 63U, 64U, 65U, 1000U, 4096U}) {
    for (const int kinds : {1, 2, 5, 1'000'000}) {  // few: many are alike
      std::uniform_int_distribution<int> number(-kinds, 0);
      std::vector<float> logits(size);
      for (int round = 0; round < 20; ++round) {
        std::ranges::generate(logits, [&] { return static_cast<float>(number(random)); });
        EXPECT_EQ(first_of_highest(logits), static_cast<size_t>(std::ranges::max_element(logits) - logits.begin())) << size << " of " << kinds << " kinds";
      }
    }
  }
}

TEST(FirstOfHighest, TokensThatMayNeverComeDoNot) {
  std::vector<float> logits(200, kNever);
  EXPECT_EQ(first_of_highest(logits), 0U) << "all alike";
  logits[199] = -std::numeric_limits<float>::max();
  EXPECT_EQ(first_of_highest(logits), 199U);
}

}  // namespace
}  // namespace ebb::engine_llama
