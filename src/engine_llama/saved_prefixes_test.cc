// What is kept, what is dropped and what is found.
#include "engine_llama/saved_prefixes.h"

#include <gtest/gtest.h>

namespace ebb::engine_llama {
namespace {

SavedPrefixes::Saved saved(std::vector<Token> tokens, size_t bytes = 10) { return {.tokens = std::move(tokens), .state = SequenceState(bytes)}; }

TEST(SavedPrefixes, FindsTheLongestMatch) {
  SavedPrefixes prefixes;
  prefixes.add(saved({1, 2, 3}));
  prefixes.add(saved({1, 2, 4, 5}));
  const std::vector<Token> prompt = {1, 2, 4, 9};
  const auto match = prefixes.longest_match(prompt);
  ASSERT_NE(match.saved, nullptr);
  EXPECT_EQ(match.common, 3U);
  EXPECT_EQ(match.saved->tokens, (std::vector<Token>{1, 2, 4, 5}));
  EXPECT_EQ(prefixes.longest_match(std::vector<Token>{7}).saved, nullptr);
}

TEST(SavedPrefixes, KeepsTheLongerOfTwoThatBeginAlike) {
  SavedPrefixes prefixes;
  prefixes.add(saved({1, 2}));
  prefixes.add(saved({1, 2, 3}));
  EXPECT_EQ(prefixes.count(), 1U);
  prefixes.add(saved({1}));
  EXPECT_EQ(prefixes.count(), 1U);
  EXPECT_EQ(prefixes.longest_match(std::vector<Token>{1, 2, 3}).common, 3U);
}

TEST(SavedPrefixes, IsBounded) {
  SavedPrefixes prefixes;
  for (Token token = 0; token < 20; ++token)
    prefixes.add(saved({token, token}));
  EXPECT_EQ(prefixes.count(), kSavedPrefixesMax);
  EXPECT_EQ(prefixes.longest_match(std::vector<Token>{0, 0}).saved, nullptr) << "the oldest went";
  EXPECT_NE(prefixes.longest_match(std::vector<Token>{19, 19}).saved, nullptr);
  prefixes.add(saved({100}, kSavedBytesMax + 1));
  EXPECT_EQ(prefixes.longest_match(std::vector<Token>{100}).saved, nullptr) << "too large to keep";
  prefixes.add(saved({101}, kSavedBytesMax));
  EXPECT_EQ(prefixes.count(), 1U) << "the others made room";
  prefixes.add(saved({}, 0));
  EXPECT_EQ(prefixes.count(), 1U) << "nothing saved";
}

}  // namespace
}  // namespace ebb::engine_llama
