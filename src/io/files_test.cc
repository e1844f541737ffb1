// Files and folders as their contract says, on the real disk.
#include "io/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "io/folder_for_test.h"
#include "io/random.h"

namespace ebb::io {
namespace {

class FilesTest : public ::testing::Test {
 protected:
  static unsigned mode_of(const std::filesystem::path& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_mode & 07777U;
  }
  size_t entries() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder_.path()), std::filesystem::directory_iterator()));
  }

  FolderForTest folder_;
};

TEST_F(FilesTest, ReadsUpToTheLimitAndNotPastIt) {
  const auto file = folder_.write("a", "12345");
  EXPECT_EQ(read_small_file(file, 5), "12345");
  EXPECT_EQ(read_small_file(file, 4).error().kind, ErrorKind::kTooLarge);
  EXPECT_EQ(read_small_file(folder_.write("empty", ""), 5), "");
  EXPECT_FALSE(read_small_file("/proc/self/stat", 10'000)->empty());
}

TEST_F(FilesTest, RefusesWhatIsNoFile) {
  EXPECT_EQ(read_small_file(folder_.path() / "missing", 5).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(read_small_file(folder_.path(), 5).error().kind, ErrorKind::kIo);
  const auto pipe = folder_.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(read_small_file(pipe, 5).error().kind, ErrorKind::kIo);
}

TEST_F(FilesTest, ReplacesAFileWholeAndLeavesNothingBeside) {
  const auto file = folder_.write("a", "old and long");
  ASSERT_TRUE(write_file_atomic(file, "new"));
  EXPECT_EQ(read_small_file(file, 100), "new");
  EXPECT_EQ(mode_of(file), 0600U);
  EXPECT_EQ(entries(), 1U);
}

TEST_F(FilesTest, AFailedReplacementLeavesTheOldFile) {
  const auto folder = folder_.path() / "a";
  std::filesystem::create_directories(folder / "inside");
  const Status written = write_file_atomic(folder, "new");
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message.find(folder.string()), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_directory(folder / "inside"));
  EXPECT_EQ(entries(), 1U);
  EXPECT_EQ(write_file_atomic(folder_.path() / "missing" / "a", "new").error().kind, ErrorKind::kNotFound);
}

TEST_F(FilesTest, MakesMissingFoldersForTheOwnerAlone) {
  const auto deep = folder_.path() / "a" / "b" / "";
  ASSERT_TRUE(make_folders(deep));
  EXPECT_EQ(mode_of(folder_.path() / "a"), 0700U);
  EXPECT_EQ(mode_of(folder_.path() / "a" / "b"), 0700U);
  ASSERT_EQ(::chmod((folder_.path() / "a").c_str(), 0750), 0);
  ASSERT_TRUE(make_folders(deep));
  EXPECT_EQ(mode_of(folder_.path() / "a"), 0750U);

  const auto file = folder_.write("file", "");
  EXPECT_EQ(make_folders(file).error().message, file.string() + " is not a folder");
  EXPECT_FALSE(make_folders(file / "below"));
  std::filesystem::create_directory_symlink(folder_.path() / "a", folder_.path() / "link");
  EXPECT_TRUE(make_folders(folder_.path() / "link" / "c"));
}

TEST_F(FilesTest, ALockHasOneHolderAndGoesWithIt) {
  const auto file = folder_.path() / "lock";
  {
    const Result<Fd> first = lock_file(file);
    ASSERT_TRUE(first);
    EXPECT_EQ(lock_file(file).error().kind, ErrorKind::kUnavailable);
  }
  EXPECT_TRUE(lock_file(file));
  EXPECT_EQ(mode_of(file), 0600U);
  std::filesystem::create_symlink(file, folder_.path() / "link");
  EXPECT_EQ(lock_file(folder_.path() / "link").error().kind, ErrorKind::kIo);
}

TEST_F(FilesTest, SyncsAndMeasuresWhatIsThere) {
  EXPECT_TRUE(sync_folder(folder_.path()));
  EXPECT_EQ(sync_folder(folder_.path() / "missing").error().kind, ErrorKind::kNotFound);
  EXPECT_TRUE(free_bytes(folder_.path()));
  EXPECT_EQ(free_bytes(folder_.path() / "missing").error().kind, ErrorKind::kNotFound);
}

TEST(Random, SeedsDiffer) { EXPECT_NE(random_seed(), random_seed()); }

}  // namespace
}  // namespace ebb::io
