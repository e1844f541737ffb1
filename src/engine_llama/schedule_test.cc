// Rows of the batching's decisions.
#include "engine_llama/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace ebb::engine_llama {
namespace {

using domain::Priority;

constexpr PromptTurn kShortest = PromptTurn::kShortest;
constexpr PromptTurn kFirst = PromptTurn::kFirst;
constexpr Priority kN = Priority::kNormal;

TEST(SharePrompts, Rows) {
  struct Row {
    const char* what;
    std::vector<PromptNeed> needs;
    bool someone_generates = false;
    PromptTurn turn = kShortest;
    std::vector<PromptShare> shares;
    PromptTurn then = kShortest;
  };
  const std::vector<Row> rows = {
      {"nothing to do", {}, false, kFirst, {}, kFirst},
      {"a short prompt at once", {{0, 0, 10}}, false, kShortest, {{0, 10}}, kFirst},
      {"a long prompt alone takes the whole step", {{0, 0, 1000}}, false, kShortest, {{0, 128}}, kShortest},
      {"beside a generating call it gets one chunk", {{0, 0, 1000}}, true, kShortest, {{0, 32}}, kFirst},
      {"from the middle, up to the next boundary", {{0, 40, 1000}}, true, kShortest, {{0, 24}}, kFirst},
      {"the rest of a prompt", {{0, 992, 1000}}, true, kShortest, {{0, 8}}, kFirst},
      {"of two of a length the one that came first", {{0, 0, 1000, kN, 8}, {1, 0, 1000, kN, 7}}, false, kShortest, {{1, 128}}, kShortest},
      {"a short one does not wait for a long one", {{0, 0, 1000, kN, 1}, {1, 0, 40, kN, 2}}, false, kShortest, {{0, 64}, {1, 40}}, kShortest},
      {"nor does the long one for short ones", {{0, 0, 1000, kN, 1}, {1, 0, 40, kN, 2}, {2, 0, 40, kN, 3}}, true, kFirst, {{0, 32}}, kShortest},
      {"whose turn it is then", {{0, 32, 1000, kN, 1}, {1, 0, 40, kN, 2}, {2, 0, 40, kN, 3}}, true, kShortest, {{1, 32}}, kFirst},
      {"what is left counts, not the length", {{0, 990, 1000, kN, 2}, {1, 0, 32, kN, 1}}, true, kShortest, {{0, 10}}, kShortest},
      {"what a short one leaves goes to the long one", {{0, 0, 10, kN, 2}, {1, 0, 1000, kN, 1}}, false, kFirst, {{0, 10}, {1, 96}}, kFirst},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    PromptTurn turn = row.turn;
    EXPECT_EQ(share_prompts(row.needs, row.someone_generates, kPromptChunk, turn), row.shares);
    EXPECT_EQ(turn, row.then);
  }
}

TEST(SharePrompts, OfTheHighestClassOnly) {
  struct Row {
    const char* what;
    std::vector<PromptNeed> needs;
    bool someone_generates = false;
    std::vector<PromptShare> shares;
  };
  constexpr Priority kC = Priority::kCritical;
  constexpr Priority kB = Priority::kBatch;
  const std::vector<Row> rows = {
      {"critical before normal and batch, however short those are", {{0, 0, 50, kB}, {1, 0, 50, kN}, {2, 0, 500, kC}}, false, {{2, 128}}},
      {"what it leaves of a step stays", {{0, 0, 500, kN}, {2, 490, 500, kC}}, false, {{2, 10}}},
      {"normal before batch", {{0, 0, 500, kB}, {1, 0, 500, kN}}, true, {{1, 32}}},
      {"of two critical ones the shorter", {{0, 0, 500, kC}, {1, 0, 50, kB}, {2, 0, 400, kC}}, true, {{2, 32}}},
      {"batch a chunk at a time, also where nobody generates", {{0, 0, 500, kB, 1}, {1, 0, 500, kB, 2}}, false, {{0, 32}}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    PromptTurn turn = kShortest;
    EXPECT_EQ(share_prompts(row.needs, row.someone_generates, kPromptChunk, turn), row.shares);
  }
}

// Short ones that never end to come take half.
TEST(SharePrompts, NobodyStarves) {
  PromptTurn turn = kShortest;
  std::vector<PromptNeed> needs = {{0, 0, 3200, kN, 1}, {1, 0, 32, kN, 2}};
  int steps = 0;
  for (; needs[0].done < needs[0].total; ++steps) {
    for (const PromptShare& share : share_prompts(needs, true, kPromptChunk, turn)) {
      if (share.slot == 0) needs[0].done += share.tokens;
      if (share.slot == 1) ++needs[1].came;  // the next of them
    }
  }
  EXPECT_LE(steps, 200);
}

TEST(Classes, WhoTakesPartInAStep) {
  struct Row {
    std::optional<Priority> prompts;
    std::vector<Priority> generate;
    bool apart = false;
    std::vector<Priority> wait_for_it;
  };
  const std::vector<Row> rows = {
      {std::nullopt, {Priority::kCritical, Priority::kNormal, Priority::kBatch}, false, {}},
      {Priority::kCritical, {Priority::kCritical, Priority::kNormal}, false, {Priority::kNormal, Priority::kBatch}},
      {Priority::kNormal, {Priority::kCritical, Priority::kNormal, Priority::kBatch}, false, {Priority::kBatch}},
      {Priority::kBatch, {Priority::kCritical, Priority::kNormal, Priority::kBatch}, true, {}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.prompts ? to_string(*row.prompts) : "nobody computes a prompt");
    EXPECT_EQ(computes_apart(row.prompts), row.apart);
    for (const Priority priority : domain::kPriorities) {
      EXPECT_EQ(generates_beside(priority, row.prompts), std::ranges::count(row.generate, priority) == 1);
      if (row.prompts) {
        EXPECT_EQ(is_computed_before(*row.prompts, priority), std::ranges::count(row.wait_for_it, priority) == 1);
      }
    }
  }
}

// However many run beside it, a prompt is cut at the same places.
TEST(SharePrompts, CutsAtTheSamePlaces) {
  PromptTurn turn = kShortest;
  std::vector<PromptNeed> needs = {{0, 0, 300}, {1, 0, 65}, {2, 5, 130}};
  while (!needs.empty()) {
    for (const PromptShare& share : share_prompts(needs, true, kPromptChunk, turn)) {
      for (PromptNeed& need : needs) {
        if (need.slot != share.slot) continue;
        need.done += share.tokens;
        EXPECT_TRUE(need.done % kPromptChunk == 0 || need.done == need.total);
        EXPECT_NE(need.done + 1, need.total) << "a last token alone";
      }
    }
    std::erase_if(needs, [](const PromptNeed& need) { return need.done == need.total; });
  }
}

TEST(SharePrompts, AFastMachineTakesMoreChunksBesideOthers) {
  PromptTurn turn = kShortest;
  const std::vector<PromptNeed> needs = {{0, 0, 500, kN, 1}, {1, 0, 400, kN, 2}};
  EXPECT_EQ(share_prompts(needs, true, 3 * kPromptChunk, turn), (std::vector<PromptShare>{{0, 32}, {1, 64}}));
}

TEST(PromptPace, WholeChunksInATenthOfASecond) {
  PromptPace pace;
  EXPECT_EQ(pace.beside(), 32) << "nothing is known";
  const struct {
    nanoseconds a_token;
    int64_t beside;
  } rows[] = {{milliseconds(5), 32}, {microseconds(1562), 64}, {microseconds(1564), 32}, {milliseconds(1), 96}, {microseconds(100), 128}, {seconds(10), 32}};
  for (const auto& row : rows) {
    PromptPace known;
    known.took(64, 64 * row.a_token);
    EXPECT_EQ(known.beside(), row.beside) << row.a_token.count();
  }
  pace.took(32, 32 * milliseconds(1));
  pace.took(32, 32 * milliseconds(2));
  EXPECT_EQ(pace.beside(), 64) << "one that was disturbed does not decide alone";
}

TEST(ChooseSlot, Rows) {
  struct Row {
    const char* what;
    std::vector<SlotState> slots;
    std::optional<size_t> chosen;
  };
  const std::vector<Row> rows = {
      {"none", {}, std::nullopt},
      {"none free", {{.free = false}}, std::nullopt},
      {"the free one", {{.free = false}, {.free = true}}, 1},
      {"the lower of two empty ones", {{}, {}}, 0},
      {"a continued conversation", {{}, {.kept = 100, .common = 95, .last_used = 1}}, 1},
      {"the longer continuation", {{.kept = 20, .common = 20, .last_used = 2}, {.kept = 100, .common = 95, .last_used = 1}}, 1},
      {"a shared beginning does not cost another conversation", {{.kept = 100, .common = 20, .last_used = 1}, {}}, 1},
      {"nothing empty: the oldest", {{.kept = 100, .common = 20, .last_used = 5}, {.kept = 90, .common = 20, .last_used = 3}}, 1},
      {"a busy slot is not continued", {{.free = false, .kept = 100, .common = 100}, {.kept = 50, .last_used = 1}}, 1},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    EXPECT_EQ(choose_slot(row.slots), row.chosen);
  }
}

TEST(TextsInBatch, FillsItWithWholeTexts) {
  struct Row {
    const char* what;
    std::vector<size_t> lengths;
    size_t count;
  };
  const std::vector<Row> rows = {
      {"one", {3}, 1},
      {"all that fit", {100, 100, 56}, 3},
      {"not the one that does not", {100, 100, 57}, 2},
      {"one that is longer, alone", {900, 1}, 1},
      {"never more texts than a batch has sequences", std::vector<size_t>(kBatchTexts + 5, 1), kBatchTexts},
  };
  for (const Row& row : rows) {
    std::vector<std::vector<Token>> texts;
    for (const size_t length : row.lengths)
      texts.emplace_back(length);
    EXPECT_EQ(texts_in_batch(texts), row.count) << row.what;
  }
}

TEST(TokensToKeep, LeaveTheRestAsItIsCutFromTheBeginning) {
  for (size_t prompt = 1; prompt <= 200; ++prompt) {
    std::vector<size_t> begins;  // of the chunks of a prompt of which nothing is known
    PromptTurn turn = kShortest;
    for (PromptNeed need{.slot = 0, .done = 0, .total = static_cast<int64_t>(prompt)}; need.done < need.total;) {
      begins.push_back(static_cast<size_t>(need.done));
      need.done += share_prompts(std::vector{need}, true, kPromptChunk, turn).front().tokens;
    }
    for (size_t common = 0; common <= prompt; ++common) {
      const size_t kept = tokens_to_keep(common, prompt, Cut::kAtChunks);
      EXPECT_LE(kept, common);
      EXPECT_EQ(std::ranges::count(begins, kept), 1) << kept << " of " << common << " for " << prompt;
      EXPECT_LE(std::min(common, begins.back()), kept + kPromptChunk) << "as much as can be";
    }
  }
}

TEST(TokensToKeep, AllButTheLastWhereTokensAreAlike) {
  EXPECT_EQ(tokens_to_keep(0, 0, Cut::kAnywhere), 0U);
  EXPECT_EQ(tokens_to_keep(0, 1, Cut::kAnywhere), 0U);
  EXPECT_EQ(tokens_to_keep(1, 1, Cut::kAnywhere), 0U);
  EXPECT_EQ(tokens_to_keep(7, 100, Cut::kAnywhere), 7U);
  EXPECT_EQ(tokens_to_keep(99, 100, Cut::kAnywhere), 99U);
  EXPECT_EQ(tokens_to_keep(100, 100, Cut::kAnywhere), 99U);
}

TEST(ChooseBeginning, TakesTheLongestThatSavesAChunk) {
  std::vector<Token> prompt(100);
  std::iota(prompt.begin(), prompt.end(), 1);
  const auto first = [&](size_t count) { return std::span<const Token>(prompt).first(count); };
  struct Row {
    const char* what;
    size_t known;
    std::vector<Neighbour> neighbours;
    std::optional<SharedBeginning> chosen;
    Cut cut = Cut::kAtChunks;
  };
  const std::vector<Row> rows = {
      {"nobody", 0, {}, std::nullopt},
      {"less than a chunk", 0, {{7, first(31)}}, std::nullopt},
      {"one chunk", 0, {{7, first(40)}}, SharedBeginning{7, 32}},
      {"the longest", 0, {{7, first(40)}, {8, first(70)}, {9, first(64)}}, SharedBeginning{8, 64}},
      {"of equal ones the oldest", 0, {{9, first(64)}, {7, first(64)}, {8, first(70)}}, SharedBeginning{7, 64}},
      {"what is known already", 64, {{7, first(70)}}, std::nullopt},
      {"more than is known", 32, {{7, first(70)}}, SharedBeginning{7, 64}},
      {"never the last chunk", 0, {{7, first(100)}}, SharedBeginning{7, 96}},
      {"tokens alike: less than a chunk", 0, {{7, first(31)}}, std::nullopt, Cut::kAnywhere},
      {"tokens alike: a chunk and some", 0, {{7, first(40)}}, SharedBeginning{7, 40}, Cut::kAnywhere},
      {"tokens alike: the longest", 8, {{7, first(70)}, {8, first(71)}}, SharedBeginning{8, 71}, Cut::kAnywhere},
      {"tokens alike: less than a chunk more than is known", 40, {{7, first(71)}}, std::nullopt, Cut::kAnywhere},
      {"tokens alike: never the last one", 0, {{7, first(100)}}, SharedBeginning{7, 99}, Cut::kAnywhere},
  };
  for (const Row& row : rows)
    EXPECT_EQ(choose_beginning(prompt, row.known, row.neighbours, row.cut), row.chosen) << row.what;
}

TEST(CommonPrefix, Counts) {
  const std::vector<Token> a = {1, 2, 3};
  const std::vector<Token> b = {1, 2, 4, 5};
  EXPECT_EQ(common_prefix(a, b), 2U);
  EXPECT_EQ(common_prefix(a, a), 3U);
  EXPECT_EQ(common_prefix(a, {}), 0U);
}

}  // namespace
}  // namespace ebb::engine_llama
