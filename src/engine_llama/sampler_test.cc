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

TEST(FirstOfHighest, WhatIsNoNumberIsSeenAnywhere) {
  for (const float wrong : {-kNever, std::numeric_limits<float>::quiet_NaN()}) {
    for (size_t at = 0; at < 150; ++at) {
      std::vector<float> logits(150, 1.0F);
      logits[at] = wrong;
      EXPECT_EQ(first_of_highest(logits), std::nullopt) << wrong << " at " << at;
    }
  }
}

TEST(FirstOfHighest, WithBiasesIsWhatAddingThemGives) {
  std::mt19937 random(2);
  std::uniform_int_distribution<int> number(0, 5);
  for (int round = 0; round < 2000; ++round) {
    std::vector<float> logits(40);
    std::ranges::generate(logits, [&] { return static_cast<float>(number(random)); });
    std::vector<llama_logit_bias> biases;
    for (int32_t token = 0; token < 40; ++token)
      if (number(random) == 0) biases.push_back({.token = token, .bias = number(random) == 0 ? kNever : static_cast<float>(number(random) - 3)});
    std::ranges::shuffle(biases, random);
    std::vector<float> changed = logits;
    for (const llama_logit_bias& bias : biases)
      changed[static_cast<size_t>(bias.token)] += bias.bias;
    EXPECT_EQ(first_of_highest(logits, *first_of_highest(logits), biases), *first_of_highest(changed)) << round;
  }
}

}  // namespace
}  // namespace ebb::engine_llama
