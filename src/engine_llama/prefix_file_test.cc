// What a file keeps, what it refuses to believe, and what makes room.
#include "engine_llama/prefix_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <random>
#include <string>

namespace ebb::engine_llama {
namespace {

constexpr uint64_t kBytesMax = 1U << 20U;
constexpr uint64_t kPage = 4096;

std::vector<uint8_t> state_of(uint8_t seed, size_t bytes = 10'000) {
  std::vector<uint8_t> state(bytes);
  for (size_t i = 0; i < bytes; ++i)
    state[i] = static_cast<uint8_t>(seed + i * 7);
  return state;
}

class PrefixFileTest : public testing::Test {
 protected:
  void SetUp() override {
    init_seals();
    memory = prefix_memory();
    ASSERT_TRUE(memory);
  }
  PrefixFile opened(std::string_view key = "key", std::string_view shape = "shape", uint64_t bytes_max = kBytesMax) const {
    return {memory.get(), key, shape, bytes_max};
  }
  static std::vector<uint8_t> read(PrefixFile& file, size_t index) {
    const std::optional<PrefixFile::State> state = file.read(index);
    if (!state) return {};
    return {state->bytes().begin(), state->bytes().end()};
  }
  uint64_t size() const { return static_cast<uint64_t>(::lseek(memory.get(), 0, SEEK_END)); }

  Fd memory;
};

TEST_F(PrefixFileTest, AnotherWorkerFindsWhatOneKept) {
  {
    PrefixFile file = opened();
    ASSERT_TRUE(file.add({1, 2, 3}, state_of(1)));
    ASSERT_TRUE(file.add({4, 5}, state_of(2, 77)));
    EXPECT_EQ(read(file, 0), state_of(1));
  }
  PrefixFile file = opened();
  ASSERT_EQ(file.blocks().size(), 2U);
  EXPECT_EQ(file.blocks()[0].tokens, (std::vector<Token>{1, 2, 3}));
  EXPECT_EQ(read(file, 0), state_of(1));
  EXPECT_EQ(read(file, 1), state_of(2, 77));
}

TEST_F(PrefixFileTest, BelievesNothingOfAnotherKeyOrShape) {
  PrefixFile file = opened();
  ASSERT_TRUE(file.add({1, 2, 3}, state_of(1)));
  EXPECT_EQ(opened("other").blocks().size(), 0U);
  EXPECT_EQ(opened("key", "another build").blocks().size(), 0U);
  EXPECT_EQ(opened().blocks().size(), 1U);
}

TEST_F(PrefixFileTest, EveryFlippedBitIsFound) {
  PrefixFile original = opened();
  ASSERT_TRUE(original.add({1, 2, 3}, state_of(1)));
  const uint64_t block = original.blocks()[0].offset;
  const uint64_t block_bytes = original.blocks()[0].end() - block;
  constexpr uint64_t kRecordBytes = 5 * sizeof(uint64_t) + 2 * sizeof(Seal);
  constexpr uint64_t kUsedAt = 4 * sizeof(uint64_t);  // an order of age: harmless
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 chance(seed);
  for (int i = 0; i < 10'000; ++i) {
    uint64_t at = chance() % (kRecordBytes + block_bytes);
    at = at < kRecordBytes ? at : block + at - kRecordBytes;
    if (at >= kUsedAt && at < kUsedAt + sizeof(uint64_t)) continue;
    uint8_t byte = 0;
    ASSERT_EQ(::pread(memory.get(), &byte, 1, static_cast<off_t>(at)), 1);
    const auto flipped = static_cast<uint8_t>(byte ^ (1U << (chance() % 8)));
    ASSERT_EQ(::pwrite(memory.get(), &flipped, 1, static_cast<off_t>(at)), 1);
    std::string table(kPage, '\0');
    ASSERT_EQ(::pread(memory.get(), table.data(), table.size(), 0), static_cast<ssize_t>(kPage));
    PrefixFile file = opened();
    EXPECT_TRUE(file.blocks().empty() || !file.read(0)) << "a flipped bit at " << at;
    // As it was: a block that is refused is crossed out.
    ASSERT_EQ(::pwrite(memory.get(), table.data(), table.size(), 0), static_cast<ssize_t>(kPage));
    ASSERT_EQ(::pwrite(memory.get(), &byte, 1, static_cast<off_t>(at)), 1);
  }
  PrefixFile file = opened();
  ASSERT_EQ(file.blocks().size(), 1U);
  EXPECT_EQ(read(file, 0), state_of(1));
}

// By two threads, a half each.
TEST_F(PrefixFileTest, OfALongStateBothHalvesAndTheirOrderAreLookedAt) {
  constexpr size_t kHalf = size_t{2} << 20U;
  std::vector<uint8_t> state = state_of(1, kHalf);
  const std::vector<uint8_t> second = state_of(9, kHalf);
  state.insert(state.end(), second.begin(), second.end());
  const auto with = [&](std::span<const uint8_t> stored) {
    PrefixFile file = opened("key", "shape", 8 * kHalf);
    while (!file.blocks().empty())
      file.drop(0);
    EXPECT_TRUE(file.add({1, 2, 3}, state));
    EXPECT_EQ(::pwrite(memory.get(), stored.data(), stored.size(), static_cast<off_t>(file.blocks()[0].end() - stored.size())),
              static_cast<ssize_t>(stored.size()));
    return file.read(0).has_value();
  };
  EXPECT_TRUE(with(state));
  for (const size_t at : {size_t{0}, kHalf - 1, kHalf, 2 * kHalf - 1}) {
    std::vector<uint8_t> flipped = state;
    flipped[at] ^= 1U;
    EXPECT_FALSE(with(flipped)) << at;
  }
  std::vector<uint8_t> swapped = second;
  swapped.insert(swapped.end(), state.begin(), state.begin() + kHalf);
  EXPECT_FALSE(with(swapped));
}

TEST_F(PrefixFileTest, WhatIsCutOffIsNotThere) {
  PrefixFile file = opened();
  ASSERT_TRUE(file.add({1, 2, 3}, state_of(1)));
  ASSERT_EQ(::ftruncate(memory.get(), static_cast<off_t>(size() - 1)), 0);
  EXPECT_FALSE(file.read(0));
  EXPECT_TRUE(file.blocks().empty());
  ASSERT_TRUE(file.add({1, 2, 3}, state_of(1)));
  for (const uint64_t left : {kPage + 5, kPage, uint64_t{100}, uint64_t{0}}) {
    ASSERT_EQ(::ftruncate(memory.get(), static_cast<off_t>(left)), 0);
    PrefixFile cut = opened();
    EXPECT_TRUE(cut.blocks().empty() || !cut.read(0)) << left;
  }
}

TEST_F(PrefixFileTest, ABlockWithoutItsRecordIsUnusedSpace) {
  PrefixFile file = opened();
  ASSERT_TRUE(file.add({1, 2, 3}, state_of(1)));
  const std::string zeros(kPage, '\0');  // as if the worker had ended before it wrote the record
  ASSERT_EQ(::pwrite(memory.get(), zeros.data(), zeros.size(), 0), static_cast<ssize_t>(kPage));
  PrefixFile after = opened();
  EXPECT_TRUE(after.blocks().empty());
  const uint64_t before = size();
  ASSERT_TRUE(after.add({4, 5, 6}, state_of(2)));
  EXPECT_EQ(size(), before);
}

TEST_F(PrefixFileTest, WhatWasUsedLongestAgoMakesRoom) {
  PrefixFile file = opened("key", "shape", 5 * kPage);  // the table and two blocks of two pages
  ASSERT_TRUE(file.add({1}, state_of(1, kPage + 1)));
  ASSERT_TRUE(file.add({2}, state_of(2, kPage + 1)));
  ASSERT_EQ(read(file, 0), state_of(1, kPage + 1));
  ASSERT_TRUE(file.add({3}, state_of(3, kPage + 1)));
  ASSERT_EQ(file.blocks().size(), 2U);
  EXPECT_EQ(file.blocks()[0].tokens, std::vector<Token>{1});
  EXPECT_EQ(file.blocks()[1].tokens, std::vector<Token>{3});
  EXPECT_LE(size(), 5 * kPage);
  EXPECT_FALSE(file.has_room_for(4 * kPage, 1));
  EXPECT_FALSE(file.add({4}, state_of(4, 4 * kPage)));
  EXPECT_EQ(file.blocks().size(), 2U) << "what never fits costs nobody his place";
  EXPECT_FALSE(file.add({}, state_of(1)));
  EXPECT_FALSE(file.add({4}, {}));
}

TEST_F(PrefixFileTest, TheTableIsBounded) {
  PrefixFile file = opened();
  for (Token token = 0; token < 40; ++token)
    ASSERT_TRUE(file.add({token}, state_of(1, 10)));
  EXPECT_EQ(file.blocks().size(), kPrefixBlocksMax);
  EXPECT_EQ(opened().blocks().size(), kPrefixBlocksMax);
}

TEST_F(PrefixFileTest, WhatCannotBeWrittenIsNotKept) {
  const Fd read_only(::open(("/proc/self/fd/" + std::to_string(memory.get())).c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(read_only);
  PrefixFile file(read_only.get(), "key", "shape", kBytesMax);
  EXPECT_FALSE(file.add({1}, state_of(1)));
  EXPECT_TRUE(file.blocks().empty());
}

}  // namespace
}  // namespace ebb::engine_llama
