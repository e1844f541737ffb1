// Trees as hostile unpacking might leave them.
#include "registry/tree.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/fd.h"
#include "io/folder_for_test.h"

namespace ebb::registry {
namespace {

namespace fs = std::filesystem;

class TreeTest : public testing::Test {
 protected:
  TreeTest() {
    fs::create_directories(outside_);
    folder_.write("outside/keep", "keep");
    ::chmod((outside_ / "keep").c_str(), 04755);
  }
  ~TreeTest() override { fs::current_path("/"); }
  Fd open(const fs::path& path) const { return Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }
  mode_t mode_of(const fs::path& path) const {
    struct stat info {};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777U;
  }

  io::FolderForTest folder_;
  fs::path outside_ = folder_.path("outside");
  fs::path root_ = folder_.path("root");
};

TEST_F(TreeTest, RemovingFollowsNoLink) {
  fs::create_directories(root_ / "a/b/c");
  fs::create_directory_symlink(outside_, root_ / "a/out");
  fs::create_symlink(outside_ / "keep", root_ / "keep");
  fs::create_hard_link(outside_ / "keep", root_ / "a/b/hard");
  ::mkfifo((root_ / "pipe").c_str(), 0600);
  ::chmod((root_ / "a/b").c_str(), 0);
  const Fd parent = open(folder_.path());
  EXPECT_TRUE(remove_tree(parent.get(), "root"));
  EXPECT_FALSE(fs::exists(root_));
  EXPECT_TRUE(fs::exists(outside_ / "keep"));
  EXPECT_TRUE(remove_tree(parent.get(), "root")) << "nothing there is no error";
  fs::create_symlink(outside_, root_);
  EXPECT_TRUE(remove_tree(parent.get(), "root"));
  EXPECT_TRUE(fs::exists(outside_ / "keep"));
}

TEST_F(TreeTest, RemovingCanBeStopped) {
  fs::create_directories(root_ / "a");
  const Fd parent = open(folder_.path());
  const Status stopped = remove_tree(parent.get(), "root", [] { return true; });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().kind, ErrorKind::kCancelled);
}

TEST_F(TreeTest, SealingTakesRightsAndNodesAndCounts) {
  fs::create_directories(root_ / "d/e");
  folder_.write("root/su", "x");
  folder_.write("root/d/e/sg", "x");
  folder_.write("root/plain", "x");
  ::chmod((root_ / "su").c_str(), 04755);
  ::chmod((root_ / "d/e/sg").c_str(), 02711);
  ::chmod((root_ / "d").c_str(), 02775);
  ::mkfifo((root_ / "d/pipe").c_str(), 0600);
  fs::create_symlink(outside_ / "keep", root_ / "link");
  fs::create_directory_symlink(outside_, root_ / "out");
  const Result<SealedTree> sealed = seal_tree(open(root_).get());
  ASSERT_TRUE(sealed) << sealed.error().message;
  EXPECT_EQ(sealed->entries, 8U);
  EXPECT_EQ(sealed->privileged, 2U);
  EXPECT_EQ(sealed->nodes, 1U);
  EXPECT_GT(sealed->bytes, 0U);
  EXPECT_EQ(mode_of(root_ / "su"), 0755U);
  EXPECT_EQ(mode_of(root_ / "d/e/sg"), 0711U);
  EXPECT_EQ(mode_of(root_ / "d"), 02775U);
  EXPECT_EQ(mode_of(outside_ / "keep"), 04755U) << "a link was followed";
  EXPECT_FALSE(fs::exists(root_ / "d/pipe"));
  EXPECT_EQ(sealed_tree_from_json(to_json(*sealed))->entries, 8U);
}

TEST_F(TreeTest, SealingBoundsTheDepth) {
  fs::path deep = root_;
  for (int i = 0; i < 140; ++i)
    deep /= "d";
  fs::create_directories(deep);
  const Result<SealedTree> sealed = seal_tree(open(root_).get());
  ASSERT_FALSE(sealed);
  EXPECT_EQ(sealed.error().kind, ErrorKind::kTooLarge);
}

}  // namespace
}  // namespace ebb::registry
