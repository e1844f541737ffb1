// Attention against its definition in doubles, and what a row may depend on.
#include "engine_llama/attention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine_llama/demo_engine_for_test.h"

namespace ebb::engine_llama {

namespace {

using testing::ElementsAreArray;

constexpr uint16_t kHidden = 0xFC00;  // -inf

// Halves whose value is known without converting: n / 64 with |n| < 1024.
uint16_t half_of(int n) {
  const _Float16 half = static_cast<_Float16>(static_cast<float>(n) / 64);
  uint16_t bits = 0;
  std::memcpy(&bits, &half, sizeof bits);
  return bits;
}

// Tensors of one group, with their values as numbers.
struct World {
  int tokens, heads;
  int64_t key_width, value_width, cells;
  float softcap = 0;
  std::vector<float> slopes, sinks, queries;
  std::vector<int> keys, values, mask;  // in 64ths; of the mask 1 << 20 hides
  static constexpr int kHides = 1 << 20;

  World(int tokens, int heads, int64_t key_width, int64_t value_width, int64_t cells, uint32_t seed)
      : tokens(tokens), heads(heads), key_width(key_width), value_width(value_width), cells(cells), slopes(heads, 1) {
    std::mt19937 random(seed);
    std::uniform_int_distribution<int> number(-128, 128);
    queries.resize(tokens * heads * key_width);
    // By what leaves every product to be rounded: sums in another order are others.
    std::ranges::generate(queries, [&] { return static_cast<float>(number(random)) / 64 * 1.1F; });
    for (const auto& [to, size] : {std::pair(&keys, cells * key_width), std::pair(&values, cells * value_width)}) {
      to->resize(size);
      std::ranges::generate(*to, [&] { return number(random); });
    }
    // Each token sees what is not after it, and of that three quarters.
    for (int token = 0; token < tokens; ++token)
      for (int64_t cell = 0; cell < cells; ++cell)
        mask.push_back(cell + tokens <= cells + token && number(random) < 64 ? number(random) / 8 : kHides);
  }

  std::vector<double> expected(int token, int head) const {
    std::vector<double> scores;
    double sum = 0;
    std::vector<double> result(value_width);
    for (int64_t cell = 0; cell < cells; ++cell) {
      double score = 0;
      for (int64_t i = 0; i < key_width; ++i)
        score += static_cast<double>(queries[(token * heads + head) * key_width + i]) * keys[cell * key_width + i] / 64;
      score *= 0.125;
      if (softcap != 0) score = softcap * std::tanh(score / softcap);
      const int added = mask[token * cells + cell];
      const double weight = added == kHides ? 0 : std::exp(score + static_cast<double>(slopes[head]) * added / 64);
      sum += weight;
      for (int64_t i = 0; i < value_width; ++i)
        result[i] += weight * values[cell * value_width + i] / 64;
    }
    if (!sinks.empty()) sum += std::exp(static_cast<double>(sinks[head]));
    for (double& number : result)
      number = sum > 0 ? number / sum : 0;
    return result;
  }

  // What the kernel gives for these tokens and heads, with so many hidden cells behind.
  std::vector<float> computed(Attend& attend, std::pair<int, int> token_range, std::pair<int, int> head_range, int64_t behind = 0) const {
    const int64_t all = cells + behind;
    std::vector<uint16_t> key_halves(all * key_width, half_of(7));
    std::vector<uint16_t> value_halves(all * value_width, half_of(-9));
    std::ranges::transform(keys, key_halves.begin(), half_of);
    std::ranges::transform(values, value_halves.begin(), half_of);
    std::vector<uint16_t> mask_halves(tokens * all, kHidden);
    for (int token = 0; token < tokens; ++token)
      for (int64_t cell = 0; cell < cells; ++cell)
        if (const int added = mask[token * cells + cell]; added != kHides) mask_halves[token * all + cell] = half_of(added);
    std::vector<float> results(tokens * heads * value_width, std::numeric_limits<float>::quiet_NaN());
    const auto [token, tokens_end] = token_range;
    const auto [head, heads_end] = head_range;
    const AttentionRows rows{.tokens = tokens_end - token,
                             .heads = heads_end - head,
                             .key_width = key_width,
                             .value_width = value_width,
                             .cells = all,
                             .queries = reinterpret_cast<const char*>(&queries[(token * heads + head) * key_width]),
                             .query_of_token = heads * key_width * sizeof(float),
                             .query_of_head = key_width * sizeof(float),
                             .keys = reinterpret_cast<const char*>(key_halves.data()),
                             .key_of_cell = key_width * sizeof(uint16_t),
                             .values = reinterpret_cast<const char*>(value_halves.data()),
                             .value_of_cell = value_width * sizeof(uint16_t),
                             .mask = reinterpret_cast<const char*>(&mask_halves[token * all]),
                             .mask_of_token = all * sizeof(uint16_t),
                             .results = reinterpret_cast<char*>(&results[(token * heads + head) * value_width]),
                             .result_of_token = heads * value_width * sizeof(float),
                             .result_of_head = value_width * sizeof(float),
                             .scale = 0.125,
                             .softcap = softcap,
                             .slopes = &slopes[head],
                             .sinks = sinks.empty() ? nullptr : &sinks[head]};
    // Exactly as much as it may use: a sanitizer sees what is beyond.
    std::vector<float> room(attention_floats(key_width, value_width));
    attend(rows, room.data());
    return results;
  }

  std::vector<float> computed(Attend& attend, int64_t behind = 0) const { return computed(attend, {0, tokens}, {0, heads}, behind); }
};

std::vector<AttentionKernel> kernels() {
  std::vector<AttentionKernel> found{{.name = "any", .attend = attend_plain}};
  const AttentionKernel fastest = attention_kernel();
#if defined(__x86_64__)
  if (fastest.name == "AVX-512") found.push_back({.name = "AVX2", .attend = attend_v3});
#endif
  if (fastest.name != "any") found.push_back(fastest);
  return found;
}

void expect_by_definition(const World& world) {
  for (const AttentionKernel& kernel : kernels()) {
    SCOPED_TRACE(kernel.name);
    const std::vector<float> results = world.computed(*kernel.attend);
    for (int token = 0; token < world.tokens; ++token) {
      for (int head = 0; head < world.heads; ++head) {
        const std::vector<double> expected = world.expected(token, head);
        for (int64_t i = 0; i < world.value_width; ++i)
          ASSERT_NEAR(results[(token * world.heads + head) * world.value_width + i], expected[i], 4e-6) << "token " << token << " head " << head << " " << i;
      }
    }
  }
}

TEST(Attention, IsWhatItsDefinitionSays) {
  expect_by_definition({16, 3, 64, 64, 200, 1});
  expect_by_definition({1, 3, 64, 64, 129, 2});
  expect_by_definition({7, 1, 128, 96, 64, 3});
  expect_by_definition({3, 5, 80, 72, 65, 4});
  expect_by_definition({2, 2, 20, 9, 31, 5});
  expect_by_definition({1, 1, 8, 8, 1, 6});
  expect_by_definition({4, 12, 576, 512, 70, 7});
}

TEST(Attention, CapsScoresTiltsMasksAndHasSinks) {
  World capped(5, 2, 64, 64, 100, 11);
  capped.softcap = 2;
  expect_by_definition(capped);
  World tilted(5, 2, 64, 64, 100, 12);
  tilted.slopes = {0.5F, 0.0625F};
  expect_by_definition(tilted);
  World sinking(5, 2, 64, 64, 100, 13);
  sinking.sinks = {-1.5F, 9.0F};
  expect_by_definition(sinking);
}

TEST(Attention, ARowThatSeesNothingIsZero) {
  World world(3, 2, 64, 64, 100, 21);
  std::fill_n(world.mask.begin() + 100, 100, World::kHides);
  expect_by_definition(world);
}

TEST(Attention, ARowDependsOnNothingButWhatItSees) {
  const World world(12, 4, 64, 64, 333, 31);
  for (const AttentionKernel& kernel : kernels()) {
    SCOPED_TRACE(kernel.name);
    const std::vector<float> together = world.computed(*kernel.attend);
    EXPECT_THAT(world.computed(*kernel.attend, 1), ElementsAreArray(together)) << "one cell more behind";
    EXPECT_THAT(world.computed(*kernel.attend, 512), ElementsAreArray(together)) << "a longer cache";
    for (int token = 0; token < world.tokens; ++token) {
      for (int head = 0; head < world.heads; ++head) {
        const auto alone = world.computed(*kernel.attend, {token, token + 1}, {head, head + 1});
        const auto begin = (token * world.heads + head) * world.value_width;
        ASSERT_EQ(std::memcmp(&alone[begin], &together[begin], world.value_width * sizeof(float)), 0) << "token " << token << " head " << head;
      }
    }
  }
}

using AttentionOfTheLibrary = DemoEngineTest;

TEST_F(AttentionOfTheLibrary, IsComputedByOurs) {
  const uint64_t before = attention_calls();
  run_one(ask("Hello"));
  EXPECT_GT(attention_calls(), before);
}

}  // namespace

}  // namespace ebb::engine_llama
