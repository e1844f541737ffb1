// Files that are there, that are none, and that point out of the image.
#include "container/image_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "io/folder_for_test.h"

namespace ebb::container {
namespace {

namespace fs = std::filesystem;

TEST(ImageFiles, StayInside) {
  const io::FolderForTest folder;
  const fs::path root = fs::path(folder.path()) / "root";
  fs::create_directories(root / "app/sub");
  std::ofstream(fs::path(folder.path()) / "secret") << "outside";
  std::ofstream(root / "app/file") << "text";
  std::ofstream(root / "secret") << "inside";
  fs::create_symlink("../../secret", root / "app/up");
  fs::create_symlink("/secret", root / "app/absolute");
  fs::create_symlink("loop", root / "app/loop");
  ASSERT_EQ(::mkfifo((root / "app/pipe").c_str(), 0600), 0);
  const Result<ImageFiles> files = ImageFiles::open(root);
  ASSERT_TRUE(files);
  EXPECT_EQ(*files->read("/app/file", 4), "text");
  EXPECT_EQ(files->read("/app/file", 3).error().kind, ErrorKind::kInvalid) << "too large";
  EXPECT_EQ(*files->read("/app/none", 10), std::nullopt);
  EXPECT_EQ(*files->read("/app/file/none", 10), std::nullopt);
  EXPECT_EQ(*files->read("/app/up", 10), "inside");
  EXPECT_EQ(*files->read("/app/absolute", 10), "inside");
  EXPECT_EQ(*files->read("/../../secret", 10), "inside");
  EXPECT_FALSE(files->read("/app/loop", 10));
  EXPECT_EQ(files->read("/app/pipe", 10).error().kind, ErrorKind::kInvalid) << "nothing is waited for";
  EXPECT_EQ(files->read("/app/sub", 10).error().kind, ErrorKind::kInvalid);
  EXPECT_TRUE(files->has("/app/file"));
  EXPECT_FALSE(files->has("/app/sub"));
  EXPECT_THAT(*files->names("/app", 6), testing::ElementsAre("absolute", "file", "loop", "pipe", "sub", "up"));
  EXPECT_EQ(files->names("/app", 5).error().kind, ErrorKind::kInvalid);
  EXPECT_TRUE(files->names("/none", 5)->empty());
  EXPECT_EQ(ImageFiles::open(folder.path() / "nowhere").error().kind, ErrorKind::kNotFound);
}

}  // namespace
}  // namespace ebb::container
