// The bounds of real sandboxes, looked at from outside: limits, freezing, and that nothing is left when one ends, however it does.
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <ctime>

#include "container/cgroup.h"
#include "container/sandbox_for_test.h"

namespace ebb::container {
namespace {

namespace fs = std::filesystem;
using Why = EndOfFunction::Why;

// CPU time of the function's process as the host counts it.
uint64_t cpu_ticks(const Sandbox& sandbox) {
  std::ifstream children("/proc/" + std::to_string(sandbox.init_pid()) + "/task/" + std::to_string(sandbox.init_pid()) + "/children");
  uint64_t all = 0;
  for (pid_t child = 0; children >> child;) {
    std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
    std::string field;
    for (int i = 1; i <= 13; ++i)
      stat >> field;
    uint64_t user = 0;
    uint64_t system = 0;
    stat >> user >> system;
    all += user + system;
  }
  return all;
}

void burn_cpu(int milliseconds_of_it) {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  const long until = now.tv_sec * 1000 + now.tv_nsec / 1'000'000 + milliseconds_of_it;
  while (now.tv_sec * 1000 + now.tv_nsec / 1'000'000 < until)
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
}

Fd watch(const Sandbox& sandbox) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, sandbox.init_pid(), 0))); }

size_t entries(const fs::path& folder) { return static_cast<size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator())); }

size_t lines_of(const fs::path& file) {
  std::ifstream in(file);
  return static_cast<size_t>(std::count(std::istreambuf_iterator<char>(in), {}, '\n'));
}

size_t cgroups_named(const std::string& part) {
  size_t count = 0;
  for (const fs::path& tree : cgroup_trees())
    for (const auto& entry : fs::directory_iterator(tree))
      count += entry.path().filename().string().find(part) != std::string::npos ? 1 : 0;
  return count;
}

// What is left below the mount of version 2 on a hybrid machine, where nobody looks. Called while the test has no other thread.
int hidden_below_unified(const std::string& part) {
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr const char* kUnified = "/sys/fs/cgroup/unified";
    const bool uncovered =
        ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 && ::umount2(kUnified, MNT_DETACH) == 0;
    int count = 0;
    for (const auto& entry : fs::directory_iterator(kUnified))
      count += entry.path().filename().string().find(part) != std::string::npos ? 1 : 0;
    ::_exit(uncovered ? std::min(count, 100) : 0);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// What the kernel was told, looked at from outside.
TEST_F(SandboxTest, LimitsAreThoseOfTheSpec) {
  if (runtime_.cgroups != CgroupKind::kV1) GTEST_SKIP() << runtime_.text();
  SandboxSpec what = spec();
  what.cpu_millis = 1500;
  const Sandbox sandbox = prepare(what);
  const auto value = [&](const char* controller, const char* file) {
    std::ifstream in(fs::path("/sys/fs/cgroup") / controller / what.id / file);
    std::string text;
    in >> text;
    return text;
  };
  EXPECT_EQ(value("memory", "memory.limit_in_bytes"), "67108864");
  EXPECT_EQ(value("memory", "memory.memsw.limit_in_bytes"), "67108864");
  EXPECT_EQ(value("pids", "pids.max"), "32");
  EXPECT_EQ(value("cpu", "cpu.cfs_quota_us"), "150000");
  EXPECT_EQ(value("cpu", "cpu.cfs_period_us"), "100000");
  EXPECT_EQ(value("pids", "cgroup.procs"), std::to_string(sandbox.init_pid()));
  std::ifstream score("/proc/" + std::to_string(sandbox.init_pid()) + "/oom_score_adj");
  int adjusted = 0;
  score >> adjusted;
  EXPECT_EQ(adjusted, 600);
}

TEST_F(SandboxTest, MemoryThatIsEatenIsToldApart) {
  if (!has_cgroups()) GTEST_SKIP() << runtime_.text();
  Sandbox other = prepare();
  Sandbox sandbox = prepare();
  const Ran ran = run_to_its_end(sandbox, shell("exec dd if=/dev/zero of=/dev/null bs=200M count=1"));
  EXPECT_EQ(ran.exited.signal, SIGKILL);
  EXPECT_EQ(ran.why.why, Why::kOutOfMemory) << ran.why.detail;
  EXPECT_NE(ran.why.detail.find("64 MiB"), std::string::npos) << ran.why.detail;
  EXPECT_GE(sandbox.usage().oom_kills, 1U);
  EXPECT_GT(sandbox.usage().memory_peak_bytes, uint64_t{32} << 20U);
  EXPECT_EQ(run_to_its_end(other, shell("true")).why.why, Why::kExit);
}

// Without cgroups each process has the limit by itself.
TEST_F(SandboxTest, MemoryOfAProcessIsBoundedEverywhere) {
  const Ran ran = run_to_its_end(shell("exec dd if=/dev/zero of=/dev/null bs=200M count=1"));
  EXPECT_TRUE(ran.exited.code != 0 || ran.exited.signal != 0);
}

TEST_F(SandboxTest, ForksAreBounded) {
  Sandbox sandbox = prepare();
  const Ran ran = run_to_its_end(sandbox, shell("for i in $(seq 100); do sleep 1000 > /dev/null 2>&1 & done"));
  EXPECT_NE(ran.exited.code, 0);
  EXPECT_NE(ran.output.find("fork"), std::string::npos) << ran.output;
  if (!has_cgroups()) GTEST_SKIP() << "not told apart here: " << runtime_.text();
  EXPECT_EQ(ran.why.why, Why::kOutOfPids) << ran.why.detail;
  EXPECT_GE(sandbox.usage().pids_refused, 1U);
}

TEST_F(SandboxTest, AForkBombEndsWithItsSandbox) {
  std::optional<Sandbox> sandbox = prepare();
  const Fd output = sandbox->take_output();
  ASSERT_TRUE(sandbox->run(shell("bomb() { bomb | bomb & }; bomb; while true; do true & done")));
  EXPECT_FALSE(read_until(output, "fork").empty());
  const Fd init = watch(*sandbox);
  sandbox.reset();
  EXPECT_TRUE(readable_within(init.get(), 0));
  EXPECT_EQ(cgroups_named("ebb-test-" + std::to_string(::getpid())), 0U);
}

TEST_F(SandboxTest, AFullDiskIsItsOwn) {
  Sandbox full = prepare();
  Sandbox other = prepare();
  const Ran ran =
      run_to_its_end(full, shell("dd if=/dev/zero of=/tmp/x bs=1M count=20; touch /x; echo > /dev/shm/x && dd if=/dev/zero of=/dev/shm/x bs=1M count=20"));
  EXPECT_NE(ran.output.find("No space left on device"), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find("touch: /x: Read-only file system"), std::string::npos) << ran.output;
  EXPECT_EQ(run_to_its_end(other, shell("dd if=/dev/zero of=/tmp/x bs=1M count=4")).exited.code, 0);
}

TEST_F(SandboxTest, EndsWhatIgnoresItsSignals) {
  std::optional<Sandbox> sandbox = prepare();
  const Fd output = sandbox->take_output();
  ASSERT_TRUE(sandbox->run(shell("trap 'echo heard' TERM; trap '' INT HUP; echo ready; while true; do sleep 1000 & wait $!; done")));
  EXPECT_EQ(read_until(output, "ready\n"), "ready\n");
  ASSERT_TRUE(sandbox->signal(SIGTERM));
  EXPECT_NE(read_until(output, "heard\n").find("heard\n"), std::string::npos);
  const Fd init = watch(*sandbox);
  sandbox.reset();
  EXPECT_TRUE(readable_within(init.get(), 0));
}

TEST_F(SandboxTest, FrozenUsesNoCpuAndThawedGoesOn) {
  Sandbox sandbox = prepare();
  ASSERT_TRUE(sandbox.run(shell("while true; do :; done")));
  while (cpu_ticks(sandbox) == 0)
    burn_cpu(1);
  ASSERT_TRUE(sandbox.freeze());
  const uint64_t frozen = cpu_ticks(sandbox);
  burn_cpu(100);
  EXPECT_EQ(cpu_ticks(sandbox), frozen);
  ASSERT_TRUE(sandbox.thaw());
  int rounds = 0;
  while (cpu_ticks(sandbox) == frozen && ++rounds < 10'000)
    burn_cpu(1);
  EXPECT_GT(cpu_ticks(sandbox), frozen);
}

TEST_F(SandboxTest, EndsWhileFrozen) {
  std::optional<Sandbox> sandbox = prepare();
  ASSERT_TRUE(sandbox->run(shell("while true; do :; done")));
  ASSERT_TRUE(sandbox->freeze());
  const Fd init = watch(*sandbox);
  sandbox.reset();
  EXPECT_TRUE(readable_within(init.get(), 0));
  EXPECT_EQ(cgroups_named("ebb-test-" + std::to_string(::getpid())), 0U);
}

TEST_F(SandboxTest, LossOfItsInitIsTold) {
  Sandbox sandbox = prepare();
  ASSERT_TRUE(sandbox.run(shell("sleep 1000")));
  ASSERT_EQ(::kill(sandbox.init_pid(), SIGKILL), 0);
  ASSERT_TRUE(readable_within(watch(sandbox).get()));
  const std::optional<Exited> exited = end_of(sandbox);
  ASSERT_TRUE(exited);
  EXPECT_EQ(exited->signal, SIGKILL);
  EXPECT_EQ(sandbox.why_it_ended(*exited).why, Why::kLost);
  EXPECT_FALSE(sandbox.next_event());
  EXPECT_EQ(sandbox.connect(1).error().kind, ErrorKind::kUnavailable);
}

TEST_F(SandboxTest, FiftyCyclesLeaveNothing) {
  run_to_its_end(shell("true"));
  const size_t fds = entries("/proc/self/fd");
  const size_t mounts = lines_of("/proc/self/mountinfo");
  for (int i = 0; i < 50; ++i) {
    Sandbox sandbox = prepare();
    if (i % 3 == 1) {
      EXPECT_EQ(run_to_its_end(sandbox, shell("sleep 1000 > /dev/null 2>&1 & true")).exited.code, 0);
    } else if (i % 3 == 2) {
      EXPECT_TRUE(sandbox.run(shell("sleep 1000")));
    }
  }
  EXPECT_EQ(entries("/proc/self/fd"), fds);
  EXPECT_EQ(lines_of("/proc/self/mountinfo"), mounts);
  const std::string ours = "ebb-test-" + std::to_string(::getpid()) + "-";
  EXPECT_EQ(cgroups_named(ours), 0U);
  if (runtime_.hybrid) {
    EXPECT_EQ(hidden_below_unified(ours), 0);
  }
  std::ifstream children("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  std::string child;
  EXPECT_FALSE(children >> child) << child;
}

}  // namespace
}  // namespace ebb::container
