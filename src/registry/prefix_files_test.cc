// Who gets which file, what makes room, and what is believed.
#include "registry/prefix_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "io/folder_for_test.h"

namespace ebb::registry {
namespace {

constexpr uint64_t kMib = uint64_t{1} << 20U;
constexpr PrefixBounds kBounds{.file_bytes_max = kMib, .bytes_max = 3 * kMib, .disk_bytes_free = 0};

class PrefixFilesTest : public testing::Test {
 protected:
  static PrefixFiles opened(const std::string& path, PrefixBounds bounds = kBounds) {
    Result<PrefixFiles> files = PrefixFiles::open(path, bounds);
    EXPECT_TRUE(files) << files.error().message;
    return std::move(*files);
  }
  static void fill(const PrefixFiles::Loan& loan, size_t bytes) {
    const std::string some(bytes, 'x');
    ASSERT_EQ(::pwrite(loan.file.get(), some.data(), some.size(), 0), static_cast<ssize_t>(bytes));
  }

  io::FolderForTest folder;
  std::string path = (folder.path() / "prefixes").string();
  domain::Digest model;
};

TEST_F(PrefixFilesTest, TheSameFileComesBackWithTheSameKeyAndOnlyToOneWorkerAtATime) {
  PrefixFiles files = opened(path);
  const auto first = files.lend(WorkerId{1}, "chat", model, 4096);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->key.size(), 32U);
  fill(*first, 5000);
  EXPECT_FALSE(files.lend(WorkerId{2}, "chat", model, 4096)) << "another worker writes to it";
  files.give_back(WorkerId{1});
  const auto second = files.lend(WorkerId{2}, "chat", model, 4096);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->key, first->key);
  char byte = 0;
  EXPECT_EQ(::pread(second->file.get(), &byte, 1, 4999), 1);
  EXPECT_EQ(byte, 'x');
}

TEST_F(PrefixFilesTest, EndpointsModelsAndContextsHaveFilesAndKeysOfTheirOwn) {
  PrefixFiles files = opened(path, {.file_bytes_max = kMib, .bytes_max = 100 * kMib, .disk_bytes_free = 0});
  domain::Digest other = model;
  other.bytes[0] = 1;
  const auto a = files.lend(WorkerId{1}, "chat", model, 4096);
  const auto b = files.lend(WorkerId{2}, "chat", model, 2048);
  const auto c = files.lend(WorkerId{3}, "chat", other, 4096);
  const auto d = files.lend(WorkerId{4}, "code", model, 4096);
  ASSERT_TRUE(a && b && c && d);
  EXPECT_EQ(std::set({a->key, b->key, c->key, d->key}).size(), 4U);
  EXPECT_EQ(files.count(), 4U);
  files.remove("chat");
  EXPECT_EQ(files.count(), 1U);
  files.give_back(WorkerId{1});
  EXPECT_EQ(files.count(), 1U);
}

TEST_F(PrefixFilesTest, WhatWasUsedLongestAgoMakesRoomAndWhatIsLentDoesNot) {
  PrefixFiles files = opened(path);
  for (const uint64_t number : {1, 2, 3}) {
    const auto loan = files.lend(WorkerId{number}, "e" + std::to_string(number), model, 1);
    ASSERT_TRUE(loan) << number;
    fill(*loan, kMib);
  }
  EXPECT_FALSE(files.lend(WorkerId{4}, "e4", model, 1)) << "all are lent";
  for (const uint64_t number : {1, 2, 3})
    files.give_back(WorkerId{number});
  ASSERT_TRUE(files.lend(WorkerId{5}, "e1", model, 1));
  ASSERT_TRUE(files.lend(WorkerId{6}, "e4", model, 1)) << "e2 was used longest ago";
  EXPECT_EQ(files.count(), 3U);
  EXPECT_LE(files.bytes(), 3 * kMib);
}

TEST_F(PrefixFilesTest, FilesOutliveTheServerButNotAnotherSecretOrAnEmptyLife) {
  std::string key;
  {
    PrefixFiles files = opened(path);
    const auto loan = files.lend(WorkerId{1}, "chat", model, 1);
    ASSERT_TRUE(loan);
    key = loan->key;
    fill(*loan, 5000);
    files.give_back(WorkerId{1});
    ASSERT_TRUE(files.lend(WorkerId{2}, "silent", model, 1));
    files.give_back(WorkerId{2});
    EXPECT_EQ(files.count(), 1U) << "nothing was written to the other";
  }
  std::ofstream(std::filesystem::path(path) / "stray") << "x";
  PrefixFiles again = opened(path);
  EXPECT_EQ(again.count(), 1U);
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(path) / "stray"));
  const auto loan = again.lend(WorkerId{1}, "chat", model, 1);
  ASSERT_TRUE(loan);
  EXPECT_EQ(loan->key, key);
  std::ofstream(std::filesystem::path(path) / "secret") << "short";
  PrefixFiles anew = opened(path);
  const auto other = anew.lend(WorkerId{1}, "chat", model, 1);
  ASSERT_TRUE(other);
  EXPECT_NE(other->key, key);
}

TEST_F(PrefixFilesTest, NothingIsLentWhereTheDiskIsNearlyFull) {
  PrefixFiles files = opened(path, {.file_bytes_max = kMib, .bytes_max = 3 * kMib, .disk_bytes_free = uint64_t{1} << 60U});
  EXPECT_FALSE(files.lend(WorkerId{1}, "chat", model, 1));
  EXPECT_EQ(files.count(), 0U);
}

}  // namespace
}  // namespace ebb::registry
