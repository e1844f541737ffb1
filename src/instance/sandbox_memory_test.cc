// Texts of the kernel's, folders made like its trees, and processes of a namespace of their own.
#include "instance/sandbox_memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "instance/memory.h"
#include "io/folder_for_test.h"

namespace ebb::instance {
namespace {

constexpr uint64_t kMib = 1ULL << 20U;

TEST(HeldBytes, Rows) {
  struct Row {
    const char* name;
    uint64_t used;
    uint64_t swapped;
    std::string stat;
    uint64_t held;
  };
  const std::vector<Row> rows = {
      {"version 2: files and what the kernel gives back do not count", 100, 0, "anon 40\nfile 50\nactive_file 20\ninactive_file 25\nslab_reclaimable 5\n", 50},
      {"version 2: /tmp is among the files, but on no list of them", 100, 0, "anon 40\nfile 60\nshmem 60\nactive_file 0\ninactive_file 0\n", 100},
      {"version 2: swap", 100, 7, "active_file 0\n", 107},
      {"version 1: with the groups below", 100, 0, "active_file 1\ninactive_file 1\ntotal_swap 3\ntotal_inactive_file 30\ntotal_active_file 20\n", 53},
      {"version 1: its swap is in memory.stat", 100, 9, "total_active_file 0\ntotal_swap 3\n", 103},
      {"read at two moments", 10, 0, "active_file 20\n", 0},
      {"no statistics", 10, 0, "", 10},
      {"a name that begins like another", 100, 0, "active_file_more 50\nactive_file 10\n", 90},
      {"no number", 100, 0, "active_file x\nactive_file", 100},
  };
  for (const Row& row : rows)
    EXPECT_EQ(held_bytes(row.used, row.swapped, row.stat), row.held) << row.name;
}

TEST(CgroupBytes, OfEitherVersion) {
  const io::FolderForTest tree;
  const auto make = [&](const std::string& folder, const std::string& usage) {
    std::filesystem::create_directories(tree.path(folder));
    tree.write(folder + "/" + usage, "5000\n");
  };
  EXPECT_FALSE(cgroup_bytes("ebb-1-2", tree.path()));
  make("memory/ebb-1-2", "memory.usage_in_bytes");
  tree.write("memory/ebb-1-2/memory.stat", "total_inactive_file 1000\ntotal_active_file 0\ntotal_swap 0\n");
  EXPECT_EQ(cgroup_bytes("ebb-1-2", tree.path()), 4000U);
  make("ebb-1-2", "memory.current");
  tree.write("ebb-1-2/memory.stat", "inactive_file 0\nactive_file 500\n");
  tree.write("ebb-1-2/memory.swap.current", "20\n");
  EXPECT_EQ(cgroup_bytes("ebb-1-2", tree.path()), 4520U);
}

// A process namespace whose first process is called like ebb-init, and another process in it that holds `bytes`.
class Sandbox {
 public:
  Sandbox(const std::string& id, size_t bytes) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    outer_ = ::fork();
    if (outer_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::unshare(::geteuid() == 0 ? CLONE_NEWPID : CLONE_NEWUSER | CLONE_NEWPID) != 0) ::_exit(1);
      if (::fork() == 0) become_init(id, bytes, ends[1]);
      ::pause();
    }
    ::close(ends[1]);
    char byte = 0;
    made_ = ::read(ends[0], &byte, 1) == 1;
    ::close(ends[0]);
  }
  ~Sandbox() {
    ::kill(outer_, SIGKILL);
    ::waitpid(outer_, nullptr, 0);
  }
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  bool made() const { return made_; }

 private:
  // By a shell, so that its command line is what it was given. It says when the other process holds what it shall.
  [[noreturn]] static void become_init(const std::string& id, size_t bytes, int told) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(told, STDOUT_FILENO);
    std::array<int, 2> quiet{};
    if (::pipe(quiet.data()) == 0) ::dup2(quiet[0], 5);
    const std::string script = "(x=$(head -c " + std::to_string(bytes) + " /dev/zero | tr '\\0' a); echo; read never <&5) & wait";
    ::execl("/bin/sh", "/.ebb/init", "-c", script.c_str(), "524288000", "64", id.c_str(), nullptr);
    ::_exit(1);
  }

  pid_t outer_ = 0;
  bool made_ = false;
};

TEST(BytesOfProcesses, OfAllOfASandbox) {
  const std::string id = "ebb-test-" + std::to_string(::getpid());
  EXPECT_FALSE(bytes_of_processes().contains(id));
  const Sandbox sandbox(id, 20 * kMib);
  if (!sandbox.made()) GTEST_SKIP() << "no process namespace can be made here";
  const std::map<std::string, uint64_t> all = bytes_of_processes();
  ASSERT_TRUE(all.contains(id));
  EXPECT_GE(all.at(id), 20 * kMib);
  EXPECT_LT(all.at(id), 100 * kMib);
  // And for a worker with this container.
  const MemoryReadings readings = measure({{WorkerId{1}, ::getpid()}, {WorkerId{2}, ::getpid()}}, {{WorkerId{1}, id}, {WorkerId{2}, "ebb-none-1"}});
  ASSERT_EQ(readings.pss_bytes.size(), 1U);
  EXPECT_EQ(readings.pss_bytes[0].first, WorkerId{1});
  EXPECT_GE(readings.pss_bytes[0].second, 20 * kMib);
  EXPECT_EQ(readings.unseen, std::vector{WorkerId{2}});
}

// A function can call itself anything, but not be the first of a process namespace.
TEST(BytesOfProcesses, ANameIsNoProof) {
  const std::string id = "ebb-test-named-" + std::to_string(::getpid());
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::execl("/bin/sh", "/.ebb/init", "-c", "kill -STOP $$; exit", id.c_str(), nullptr);
    ::_exit(1);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, WUNTRACED), child);
  EXPECT_FALSE(bytes_of_processes().contains(id));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace ebb::instance
