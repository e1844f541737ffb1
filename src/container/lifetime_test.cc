// What is left of a container when its worker, the spawner or the server dies, in each state; and what a sealed container worker can still do.
//
// The stub worker is beside ebb-spawner in a folder of its own, under the name by which the spawner looks for container workers.
#include "container/lifetime.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>

#include "container/cgroup.h"
#include "container/sandbox_for_test.h"
#include "sandbox/spawner_for_test.h"
#include "sandbox/start_spawner.h"

namespace ebb::container {
namespace {

namespace fs = std::filesystem;
namespace pb = wire::pb;
using sandbox::Peer;
using wire::FrameType;

constexpr const char* kStates[] = {"prepared", "running", "frozen"};

TEST(ContainerIds, AreWhatTheyMustBe) {
  for (const char* good : {"a", "ebb-fe00-12-77-1", "0"})
    EXPECT_TRUE(is_container_id(good)) << good;
  for (const std::string& bad : std::vector<std::string>{"", "-", "a-", "-a", "A", "a/b", "..", "a b", std::string(65, 'a')})
    EXPECT_FALSE(is_container_id(bad)) << bad;
  EXPECT_EQ(end_containers("../x", milliseconds(1)).error().kind, ErrorKind::kInvalid);
  EXPECT_TRUE(end_containers("nothing-has-this-id", milliseconds(1)));
}

class LifetimeTest : public SandboxTest {
 protected:
  void SetUp() override {
    SandboxTest::SetUp();
    if (IsSkipped()) return;
    fs::copy_file(beside_this_test("ebb-worker-stub-container"), programs_.path("ebb-worker-container"));
    for (const char* name : {"ebb-spawner", "ebb-container-end", "ebb-init"})
      fs::copy_file(beside_this_test(name), programs_.path(name));
    ids_ = "ebb-test-life-" + std::to_string(::getpid());
  }
  void TearDown() override {
    EXPECT_EQ(cgroups(), 0U);
    EXPECT_EQ(processes(), 0) << "processes that were made for this test are left";
  }

  struct Running {
    std::unique_ptr<Peer> spawner;
    Fd spawner_process;
    pid_t spawner_pid = 0;
    std::unique_ptr<Peer> worker;
    pid_t worker_pid = 0;
    Fd init;  // pidfd
    std::vector<std::string> lines;
  };

  void start_spawner(Running& running) {
    Result<sandbox::SpawnerProcess> started = sandbox::start_spawner(programs_.path("ebb-spawner"), ids_);
    ASSERT_TRUE(started) << started.error().message;
    running.spawner = std::make_unique<Peer>(std::move(started->channel));
    running.spawner_process = std::move(started->pidfd);
    running.spawner_pid = started->pid;
    ASSERT_TRUE(running.spawner->expect<pb::Sandbox>(FrameType::kSandbox));
  }
  void start_worker(Running& running, const std::string& state) {
    const auto spawned = sandbox::spawn(*running.spawner, "container", 1);
    ASSERT_TRUE(spawned);
    ASSERT_GT(spawned->pid(), 0) << spawned->error();
    running.worker_pid = spawned->pid();
    running.worker = std::make_unique<Peer>(running.spawner->take_attachment());
    ASSERT_TRUE(running.worker->expect<pb::Blank>(FrameType::kBlank));
    bool ready = false;
    running.lines = sandbox::probe(*running.worker, state + ":" + image_->path().string(), -1, ready);
    ASSERT_TRUE(ready);
    ASSERT_FALSE(running.lines.empty());
    for (const std::string& line : running.lines)
      ASSERT_FALSE(line.starts_with("BROKEN")) << line;
    running.init = sandbox::open_pidfd(std::stoi(running.lines.front()));
    ASSERT_TRUE(running.init);
    if (has_cgroups()) {
      EXPECT_GT(cgroups(), 0U);
    }
  }
  void end_spawner(Running& running) {
    running.spawner->close();
    EXPECT_TRUE(sandbox::ends(running.spawner_process));
    EXPECT_EQ(::waitpid(running.spawner_pid, nullptr, 0), running.spawner_pid);
  }

  size_t cgroups() const {
    size_t count = 0;
    for (const fs::path& tree : cgroup_trees())
      for (const auto& entry : fs::directory_iterator(tree))
        count += entry.path().filename().string().starts_with(ids_) ? 1 : 0;
    return count;
  }
  // Of ours, whoever's children they are by now: each has one of the ids as an argument. Those that are ending get some time.
  int processes() const {
    int count = 0;
    for (int tries = 0; tries < 1'000; ++tries) {
      count = 0;
      for (const auto& entry : fs::directory_iterator("/proc")) {
        const Fd file(::open((entry.path() / "cmdline").c_str(), O_RDONLY | O_CLOEXEC));
        char arguments[4096];
        const ssize_t bytes = file ? ::read(file.get(), arguments, sizeof arguments) : 0;
        const std::string_view text(arguments, bytes > 0 ? static_cast<size_t>(bytes) : 0);
        const bool is_ending = text.find("/ebb-container-end") != std::string_view::npos;  // which watches for a moment, and ends by itself
        count += text.find(ids_ + "-") != std::string_view::npos && !is_ending ? 1 : 0;
      }
      if (count == 0) break;
    }
    return count;
  }
  // Each answer of the spawner means that it went round its loop once more.
  void wait_until_no_cgroup_is_left(Running& running) {
    for (int rounds = 0; rounds < 100'000 && cgroups() > 0; ++rounds)
      ASSERT_TRUE(sandbox::spawn(*running.spawner, "nothing", 9));
    EXPECT_EQ(cgroups(), 0U);
  }

  io::FolderForTest programs_;
  std::string ids_ = "none";
};

TEST_F(LifetimeTest, AKilledWorkersContainerIsEnded) {
  Running running;
  ASSERT_NO_FATAL_FAILURE(start_spawner(running));
  for (const char* state : kStates) {
    ASSERT_NO_FATAL_FAILURE(start_worker(running, state));
    ASSERT_EQ(::kill(running.worker_pid, SIGKILL), 0);
    ASSERT_TRUE(running.spawner->expect<pb::Exited>(FrameType::kExited));
    EXPECT_TRUE(sandbox::ends(running.init)) << state;
    wait_until_no_cgroup_is_left(running);
  }
  end_spawner(running);
}

// Whatever the runtime is just doing. The worker is killed a little later each time, by as many answers of the spawner.
TEST_F(LifetimeTest, AWorkerKilledWhilePreparingLeavesNothing) {
  Running running;
  ASSERT_NO_FATAL_FAILURE(start_spawner(running));
  for (int later = 0; later < 40; ++later) {
    const auto spawned = sandbox::spawn(*running.spawner, "container", 1);
    ASSERT_TRUE(spawned);
    Peer worker(running.spawner->take_attachment());
    ASSERT_TRUE(worker.expect<pb::Blank>(FrameType::kBlank));
    pb::Load load;
    load.set_model_name("prepared:" + image_->path().string());
    worker.say(FrameType::kLoad, load);
    for (int round = 0; round < later * 40; ++round)
      ASSERT_TRUE(sandbox::spawn(*running.spawner, "nothing", 9));
    ASSERT_EQ(::kill(spawned->pid(), SIGKILL), 0);
    ASSERT_TRUE(running.spawner->expect<pb::Exited>(FrameType::kExited));
  }
  wait_until_no_cgroup_is_left(running);
  end_spawner(running);
}

TEST_F(LifetimeTest, AWorkerThatEndsByItselfLeavesNothing) {
  Running running;
  ASSERT_NO_FATAL_FAILURE(start_spawner(running));
  for (const char* state : kStates) {
    ASSERT_NO_FATAL_FAILURE(start_worker(running, state));
    running.worker->close();
    ASSERT_TRUE(running.spawner->expect<pb::Exited>(FrameType::kExited));
    EXPECT_TRUE(sandbox::ends(running.init)) << state;
    wait_until_no_cgroup_is_left(running);
  }
  end_spawner(running);
}

TEST_F(LifetimeTest, TheSpawnersEndTakesAllAlong) {
  for (const char* state : kStates) {
    Running running;
    ASSERT_NO_FATAL_FAILURE(start_spawner(running));
    ASSERT_NO_FATAL_FAILURE(start_worker(running, state));
    end_spawner(running);
    EXPECT_TRUE(sandbox::has_ended(running.init)) << state;
    EXPECT_EQ(cgroups(), 0U);
  }
}

// As when the server is killed, since its spawner is killed with it: the next one finds what is left.
TEST_F(LifetimeTest, AKilledSpawnersContainersEndAtTheLatestWithTheNext) {
  for (const char* state : kStates) {
    Running running;
    ASSERT_NO_FATAL_FAILURE(start_spawner(running));
    ASSERT_NO_FATAL_FAILURE(start_worker(running, state));
    const Fd worker = sandbox::open_pidfd(running.worker_pid);
    ASSERT_EQ(::kill(running.spawner_pid, SIGKILL), 0);
    ASSERT_EQ(::waitpid(running.spawner_pid, nullptr, 0), running.spawner_pid);
    EXPECT_TRUE(sandbox::ends(worker));
    Running next;
    ASSERT_NO_FATAL_FAILURE(start_spawner(next));
    EXPECT_TRUE(sandbox::ends(running.init)) << state;
    EXPECT_EQ(cgroups(), 0U);
    end_spawner(next);
  }
}

TEST_F(LifetimeTest, OthersAreLeftAlone) {
  if (!has_cgroups()) GTEST_SKIP() << runtime_.text();
  Sandbox other = prepare();
  ids_ = spec().id.substr(0, 5) + "x" + std::to_string(::getpid());
  Running running;
  ASSERT_NO_FATAL_FAILURE(start_spawner(running));
  end_spawner(running);
  EXPECT_EQ(run_to_its_end(other, shell("true")).exited.code, 0);
}

// What a loop of sockets needs beyond the seal of the engines, and nothing else.
TEST_F(LifetimeTest, ASealedWorkerCanServeItsSandboxAndNothingElse) {
  constexpr std::string_view kAllowed[] = {
    "sendmsg of a descriptor: ",
    "sendto with an address: ",
    "fcntl: ",
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    "openat O_PATH: ",
    "readlink /proc/self/exe: ",
    "pipe2: ",  // a sanitizer's own report needs them
#endif
  };
  Running running;
  ASSERT_NO_FATAL_FAILURE(start_spawner(running));
  ASSERT_NO_FATAL_FAILURE(start_worker(running, "sealed"));
  EXPECT_NE(running.lines.at(1).find("signal 9"), std::string::npos) << running.lines[1];
  int denied = 0;
  for (size_t i = 2; i < running.lines.size(); ++i) {
    const std::string& line = running.lines[i];
    if (std::any_of(std::begin(kAllowed), std::end(kAllowed), [&](std::string_view name) { return line.starts_with(name); })) continue;
    // The stub has none.
    if (line.find("the model") != std::string::npos) continue;
    denied += line.find(": denied") != std::string::npos ? 1 : 0;
    EXPECT_NE(line.find(": denied"), std::string::npos) << line;
  }
  EXPECT_GE(denied, 140);
  running.worker->close();
  ASSERT_TRUE(running.spawner->expect<pb::Exited>(FrameType::kExited));
  wait_until_no_cgroup_is_left(running);
  end_spawner(running);
}

}  // namespace
}  // namespace ebb::container
