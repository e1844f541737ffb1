// One server for each home, and homes that cannot be used.
#include "ledger/home.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "io/files.h"
#include "io/folder_for_test.h"
#include "io/mount_for_test.h"

namespace ebb::ledger {
namespace {

class HomeTest : public ::testing::Test {
 protected:
  io::FolderForTest folder_;
  std::filesystem::path path_ = folder_.path() / "above" / "home";
};

TEST_F(HomeTest, IsMadeForTheOwnerAlone) {
  const Result<Home> home = open_home(path_ / "");
  ASSERT_TRUE(home) << home.error().message;
  for (const auto& folder : {path_.parent_path(), path_}) {
    struct stat info {};
    ASSERT_EQ(::stat(folder.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 0700U) << folder;
  }
}

TEST_F(HomeTest, ASecondServerIsToldWhichOneHasIt) {
  {
    const Result<Home> first = open_home(path_);
    ASSERT_TRUE(first);
    const Result<Home> second = open_home(path_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::kExists);
    EXPECT_EQ(second.error().message,
              "another `ebb serve` (process " + std::to_string(::getpid()) + ") uses the home " + path_.string() + ": stop it, or choose another with --home");
  }
  EXPECT_TRUE(open_home(path_));
}

TEST_F(HomeTest, AHolderThatWasKilledHoldsNothing) {
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const Result<Home> home = open_home(path_);
    const char answer = home ? 'y' : 'n';
    if (::write(ready[1], &answer, 1) == 1) ::pause();
    ::_exit(1);
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_NE(open_home(path_).error().message.find("(process " + std::to_string(child) + ")"), std::string::npos);
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(open_home(path_));
  EXPECT_EQ(io::read_small_file(path_ / "lock", 100), std::to_string(::getpid()));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(HomeTest, WhatIsInTheWayIsNamed) {
  const auto file = folder_.write("file", "");
  for (const auto& path : {file, file / "below"}) {
    const Result<Home> home = open_home(path);
    ASSERT_FALSE(home);
    EXPECT_EQ(home.error().kind, ErrorKind::kIo);
    EXPECT_NE(home.error().message.find(file.string() + " is not a folder: choose another with --home"), std::string::npos) << home.error().message;
  }
  EXPECT_EQ(open_home("/proc/ebb").error().kind, ErrorKind::kIo);
  EXPECT_EQ(open_home("").error().kind, ErrorKind::kInvalid);
}

TEST_F(HomeTest, AReadOnlyHomeIsNamed) {
  const auto wrong = io::with_small_disk("64k", [](const std::filesystem::path& disk) -> std::string {
    if (!open_home(disk / "home")) return "cannot open";
    if (::mount(nullptr, disk.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) return "cannot remount";
    for (const char* name : {"home", "other"}) {
      const Result<Home> home = open_home(disk / name);
      if (home || home.error().kind != ErrorKind::kIo) return "was opened";
      if (home.error().message.find("Read-only file system: choose another") == std::string::npos) return home.error().message;
    }
    return "";
  });
  if (!wrong) GTEST_SKIP() << "mounting is for root";
  EXPECT_EQ(*wrong, "");
}

TEST_F(HomeTest, AFullDiskIsNamed) {
  const auto wrong = io::with_small_disk("64k", [](const std::filesystem::path& disk) -> std::string {
    std::ofstream(disk / "ballast") << std::string(1 << 20, 'x');
    const Result<Home> home = open_home(disk);
    if (home) return "was opened";
    return home.error().kind == ErrorKind::kExhausted ? "" : home.error().message;
  });
  if (!wrong) GTEST_SKIP() << "mounting is for root";
  EXPECT_EQ(*wrong, "");
}

}  // namespace
}  // namespace ebb::ledger
