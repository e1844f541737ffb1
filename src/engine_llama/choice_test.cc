// Looked at in blocks or one by one comes to the same.
#include "engine_llama/choice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
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

// One by one, in double precision, as the names are defined.
std::vector<double> chances(const std::vector<float>& logits, const domain::Sampling& by) {
  std::vector<size_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, [&](size_t a, size_t b) { return logits[a] > logits[b] || (logits[a] == logits[b] && a < b); });
  if (by.top_k > 0) order.resize(std::min(order.size(), static_cast<size_t>(by.top_k)));
  const auto weight = [&](size_t token) { return std::exp((static_cast<double>(logits[token]) - static_cast<double>(logits[order[0]])) / by.temperature); };
  const auto sum_of = [&] { return std::transform_reduce(order.begin(), order.end(), 0.0, std::plus<>(), weight); };
  const double sum = sum_of();
  double before = 0;
  size_t count = 0;
  while (count < order.size() && (count == 0 || (before < by.top_p * sum && weight(order[count]) >= by.min_p)))
    before += weight(order[count++]);
  order.resize(count);
  const double kept = sum_of();
  std::vector<double> all(logits.size());
  for (const size_t token : order)
    all[token] = weight(token) / kept;
  return all;
}

TEST(Draw, EachTokenAsOftenAsItsChanceIs) {
  struct Row {
    const char* name;
    domain::Sampling by;
  };
  const std::vector<Row> rows = {
      {"all", {.temperature = 1}},
      {"hot", {.temperature = 2}},
      {"cold", {.temperature = 0.1}},
      {"hardly warm", {.temperature = 1e-30}},
      {"the few highest", {.temperature = 1, .top_k = 5}},
      {"more than there are", {.temperature = 1, .top_k = 1000}},
      {"a share", {.temperature = 0.8, .top_p = 0.9}},
      {"a small share", {.temperature = 1, .top_p = 0.01}},
      {"no share", {.temperature = 1, .top_p = 0}},
      {"nearly all", {.temperature = 1, .top_p = 0.9999}},
      {"none that is light", {.temperature = 1, .min_p = 0.2}},
      {"none that is lighter", {.temperature = 1, .min_p = 1}},
      {"a share, none that is light", {.temperature = 1.5, .top_p = 0.7, .min_p = 0.05}},
      {"few, none that is light", {.temperature = 1, .top_k = 40, .min_p = 0.2}},
      {"all at once", {.temperature = 0.7, .top_p = 0.9, .top_k = 40, .min_p = 0.01}},
  };
  constexpr int kDraws = 20'000;
  std::mt19937 random(3);
  std::normal_distribution<float> number(0, 3);
  for (const size_t size : {1U, 3U, 64U, 65U, 300U}) {
    std::vector<float> logits(size);
    std::ranges::generate(logits, [&] { return number(random); });
    if (size > 2) logits[1] = kNever;
    for (const Row& row : rows) {
      std::vector<int> drawn(size);
      for (int i = 0; i < kDraws; ++i)
        ++drawn[draw(logits, *first_of_highest(logits), row.by, (i + 0.5) / kDraws)];
      const std::vector<double> expected = chances(logits, row.by);
      for (size_t token = 0; token < size; ++token) {
        EXPECT_NEAR(drawn[token], expected[token] * kDraws, 2) << row.name << ", token " << token << " of " << size;
        EXPECT_TRUE(expected[token] > 0 || drawn[token] == 0) << row.name << ", token " << token << " of " << size;
      }
    }
  }
}

// Where the draw turns from the first of two tokens to the second tells the first one's chance.
TEST(Draw, AChanceIsAsExactAsAFloat) {
  for (double x = 0; x < 87; x += 0.37) {
    const std::vector<float> logits = {static_cast<float>(-x), 0.0F};
    double low = 0;
    double high = 1;
    for (int i = 0; i < 200; ++i) {
      const double middle = (low + high) / 2;
      (draw(logits, 1, {.temperature = 1}, middle) == 0 ? low : high) = middle;
    }
    const double weight = std::exp(static_cast<double>(logits[0]));
    EXPECT_NEAR(low * (1 + weight) / weight, 1, 3e-7) << x;
  }
}

TEST(Draw, AtTheEdges) {
  constexpr double kAlmostOne = 1 - 0x1p-32;
  std::vector<float> logits(50'000, kNever);
  EXPECT_EQ(draw(logits, 0, {.temperature = 1}, kAlmostOne), 0U) << "none may come";
  logits[49'990] = 2;
  logits[63] = 1;
  EXPECT_EQ(draw(logits, 49'990, {.temperature = 1}, 0), 63U) << "by their numbers";
  EXPECT_EQ(draw(logits, 49'990, {.temperature = 1}, kAlmostOne), 49'990U);
  EXPECT_EQ(draw(logits, 49'990, {.temperature = 1, .top_p = 0.99}, 0), 49'990U) << "by their chances";
  EXPECT_EQ(draw(logits, 49'990, {.temperature = 1, .top_p = 0.99}, kAlmostOne), 63U);
  std::ranges::fill(logits, 7.0F);
  EXPECT_EQ(draw(logits, 0, {.temperature = 1}, 0), 0U) << "all alike";
  EXPECT_EQ(draw(logits, 0, {.temperature = 1}, kAlmostOne), 49'999U) << "all alike";
  EXPECT_EQ(draw(logits, 0, {.temperature = 1, .top_k = 3}, kAlmostOne), 2U) << "of those alike the first";
}

}  // namespace
}  // namespace ebb::engine_llama
