// What an end means, as rows; and the texts of cgroups' files.
#include "container/spec_check.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "container/cgroup.h"
#include "io/folder_for_test.h"

namespace ebb::container {
namespace {

using Why = EndOfFunction::Why;

TEST(EndOfAFunction, IsToldApart) {
  const Limits limits{.memory_bytes = uint64_t{64} << 20U, .pids_max = 20};
  const SandboxUsage quiet;
  const SandboxUsage oom{.memory_peak_bytes = uint64_t{63} << 20U, .oom_kills = 1};
  const SandboxUsage pids{.pids_refused = 3};
  const struct {
    Exited exited;
    SandboxUsage usage;
    bool init_is_gone;
    Why why;
    const char* words;
  } rows[] = {{{0, 0}, quiet, false, Why::kExit, "exit 0"},
              {{1, 0}, quiet, false, Why::kExit, "exit 1"},
              {{0, 9}, quiet, false, Why::kSignal, "signal 9"},
              {{0, 11}, quiet, false, Why::kSignal, "Segmentation fault"},
              {{127, 0}, quiet, false, Why::kCannotStart, "not there"},
              {{126, 0}, quiet, false, Why::kCannotStart, "not executable"},
              {{0, 9}, oom, false, Why::kOutOfMemory, "its limit is 64 MiB, and it had 63 MiB"},
              {{137, 0}, oom, false, Why::kOutOfMemory, "64 MiB"},  // a shell whose child was killed
              {{0, 0}, oom, false, Why::kExit, "exit 0"},           // it lost a child and went on
              {{0, 9}, oom, true, Why::kOutOfMemory, "64 MiB"},     // ebb-init was killed with it
              {{2, 0}, pids, false, Why::kOutOfPids, "20 processes"},
              {{0, 0}, pids, false, Why::kExit, "exit 0"},
              {{0, 9}, quiet, true, Why::kLost, "from outside"}};
  for (const auto& row : rows) {
    const EndOfFunction end = end_of_function(row.exited, row.usage, row.init_is_gone, limits);
    EXPECT_EQ(end.why, row.why) << row.words << " / " << end.detail;
    EXPECT_NE(end.detail.find(row.words), std::string::npos) << end.detail;
    EXPECT_EQ(end.code, row.exited.code);
    EXPECT_EQ(end.signal, row.exited.signal);
  }
}

TEST(CgroupFiles, AreReadByField) {
  const struct {
    const char *text, *name;
    uint64_t value;
  } rows[] = {{"oom_kill_disable 0\nunder_oom 0\noom_kill 2\n", "oom_kill", 2},
              {"low 0\nhigh 0\nmax 5\noom 1\noom_kill 1\noom_group_kill 0\n", "oom_kill", 1},
              {"max 17\n", "max", 17},
              {"usage_usec 123\nuser_usec 1", "usage_usec", 123},
              {"populated 1\nfrozen 1\n", "frozen", 1},
              {"", "max", 0},
              {"maximum 3\n", "max", 0},
              {"max", "max", 0},
              {"max x\n", "max", 0}};
  for (const auto& row : rows)
    EXPECT_EQ(field_of(row.text, row.name), row.value) << row.text;
}

// A folder that looks like a tree of version 2, since no machine has its controllers in both.
TEST(CgroupFiles, OfVersionTwoAreFound) {
  const io::FolderForTest folder;
  folder.write("cgroup.controllers", "cpu memory pids\n");
  std::filesystem::create_directory(folder.path("ebb-1"));
  folder.write("ebb-1/cgroup.controllers", "");
  folder.write("ebb-1/cgroup.freeze", "0\n");
  folder.write("ebb-1/cgroup.events", "populated 1\nfrozen 1\n");
  folder.write("ebb-1/memory.current", "1000\n");
  folder.write("ebb-1/memory.peak", "2000\n");
  folder.write("ebb-1/memory.events", "max 9\noom_kill 3\n");
  folder.write("ebb-1/memory.swap.max", "max\n");
  folder.write("ebb-1/pids.events", "max 4\n");
  folder.write("ebb-1/cpu.stat", "usage_usec 7\n");
  const std::vector<std::filesystem::path> trees = cgroup_trees(folder.path());
  EXPECT_EQ(trees, std::vector<std::filesystem::path>{folder.path()});
  const Cgroup group = Cgroup::open(trees, "ebb-1");
  EXPECT_TRUE(group.exists());
  EXPECT_EQ(group.memory_bytes(), 1000U);
  EXPECT_EQ(group.memory_peak_bytes(), 2000U);
  EXPECT_EQ(group.oom_kills(), 3U);
  EXPECT_EQ(group.pids_refused(), 4U);
  EXPECT_EQ(group.cpu(), microseconds(7));
  EXPECT_TRUE(group.can_freeze());
  EXPECT_TRUE(group.freeze(milliseconds(100)));
  const auto first = [&](const char* name) {
    std::ifstream in(folder.path("ebb-1") / name);
    std::string line;
    std::getline(in, line);
    return line;
  };
  EXPECT_EQ(first("cgroup.freeze"), "1");
  EXPECT_TRUE(group.thaw());
  EXPECT_EQ(first("cgroup.freeze"), "0");
  group.forbid_swap();
  EXPECT_EQ(first("memory.swap.max").substr(0, 1), "0");
  // Processes that do not come to a stand are thawed again.
  folder.write("ebb-1/cgroup.events", "populated 1\nfrozen 0\n");
  EXPECT_EQ(group.freeze(milliseconds(1)).error().kind, ErrorKind::kTimeout);
  EXPECT_EQ(first("cgroup.freeze"), "0");
  EXPECT_FALSE(Cgroup::open(trees, "ebb-2").exists());
}

}  // namespace
}  // namespace ebb::container
