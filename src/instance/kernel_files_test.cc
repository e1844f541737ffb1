// Files like the kernel's: there, not there, and such as fail only when they are read.
#include "instance/kernel_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "instance/sandbox_memory.h"
#include "io/folder_for_test.h"

namespace ebb::instance {
namespace {

TEST(KernelFiles, Rows) {
  struct Row {
    const char* name;
    std::string text;
    std::optional<uint64_t> number;
  };
  const std::vector<Row> rows = {
      {"a number", "5000\n", 5000},
      {"no limit", "max\n", {}},
      {"empty", "", {}},
      {"a table", "12 anon\n13 file\n", 12},
      {"more than a number holds", "99999999999999999999\n", {}},
  };
  const io::FolderForTest folder;
  for (const Row& row : rows) {
    folder.write("file", row.text);
    EXPECT_EQ(kernel_text(folder.path("file")), row.text) << row.name;
    EXPECT_EQ(kernel_number(folder.path("file")), row.number) << row.name;
  }
  EXPECT_EQ(kernel_text(folder.path("none")), "");
  EXPECT_EQ(kernel_text(folder.path()), "") << "a folder";
  folder.write("file", std::string(65 * 1024, '1'));
  EXPECT_EQ(kernel_number(folder.path("file")), std::nullopt) << "a command line of somebody's";
}

// As a process's, where it ends between the two: then it is ESRCH, here EIO, since nothing is mapped at zero.
TEST(KernelFiles, ThatCanBeOpenedAndNotRead) {
  EXPECT_EQ(kernel_text("/proc/self/mem"), "");
  const io::FolderForTest tree;
  std::filesystem::create_directories(tree.path("group"));
  std::filesystem::create_symlink("/proc/self/mem", tree.path("group/memory.current"));
  EXPECT_EQ(cgroup_bytes("group", tree.path()), std::nullopt);
}

}  // namespace
}  // namespace ebb::instance
