// What is kept, what is dropped and what is found.
#include "engine_llama/saved_prefixes.h"

#include <gtest/gtest.h>

namespace ebb::engine_llama {
namespace {

class SavedPrefixesTest : public testing::Test {
 protected:
  void SetUp() override { init_seals(); }
  void add(std::vector<Token> tokens, size_t bytes = 10) { prefixes.add(std::move(tokens), std::vector<uint8_t>(bytes, 1)); }
  size_t common(const std::vector<Token>& prompt) const { return prefixes.longest_match(prompt).common; }

  Fd memory = prefix_memory();
  SavedPrefixes prefixes{memory.get(), "key", "shape", uint64_t{1} << 20U};
};

TEST_F(SavedPrefixesTest, FindsTheLongestMatch) {
  add({1, 2, 3});
  add({1, 2, 4, 5});
  const SavedPrefixes::Match match = prefixes.longest_match(std::vector<Token>{1, 2, 4, 9});
  EXPECT_EQ(match.common, 3U);
  EXPECT_EQ(prefixes.tokens(match.index), (std::vector<Token>{1, 2, 4, 5}));
  EXPECT_TRUE(prefixes.state(match.index));
  EXPECT_EQ(common({7}), 0U);
}

TEST_F(SavedPrefixesTest, KeepsTheLongerOfTwoThatBeginAlike) {
  add({1, 2});
  add({1, 2, 3});
  EXPECT_EQ(prefixes.count(), 1U);
  add({1});
  EXPECT_EQ(prefixes.count(), 1U);
  EXPECT_EQ(common({1, 2, 3}), 3U);
}

TEST_F(SavedPrefixesTest, DropsNothingForWhatCouldNotBeSaved) {
  add({1, 2});
  add({1, 2, 3}, 0);
  add({1, 2, 3}, size_t{2} << 20U);
  EXPECT_EQ(common({1, 2, 3}), 2U);
}

TEST_F(SavedPrefixesTest, KeepsNothingWithoutAFile) {
  SavedPrefixes none(-1, "", "", 0);
  EXPECT_FALSE(none.has_room_for(10, 3));
  none.add({1, 2, 3}, std::vector<uint8_t>(10));
  EXPECT_EQ(none.count(), 0U);
  EXPECT_EQ(none.longest_match(std::vector<Token>{1, 2, 3}).common, 0U);
}

}  // namespace
}  // namespace ebb::engine_llama
