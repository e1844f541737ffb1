// The real ebb-spawner with the probe as its worker, as the server meets them.
#include "sandbox/spawner.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "sandbox/attempts.h"
#include "sandbox/spawner_for_test.h"
#include "sandbox/start_spawner.h"

namespace ebb::sandbox {
namespace {

using wire::FrameType;
namespace pb = wire::pb;
namespace fs = std::filesystem;

// Beside this test, so that a copy of the folder tests its own programs.
std::string spawner_program() { return fs::read_symlink("/proc/self/exe").parent_path() / "ebb-spawner"; }

// The processes that `parent` has now.
std::vector<Fd> children_of(pid_t parent) {
  std::vector<Fd> children;
  std::ifstream list(fmt::format("/proc/{0}/task/{0}/children", parent));
  for (pid_t child = 0; list >> child;)
    children.push_back(open_pidfd(child));
  return children;
}

class SpawnerTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<SpawnerProcess> started = start_spawner(spawner_program());
    ASSERT_TRUE(started) << started.error().message;
    pid_ = started->pid;
    pidfd_ = std::move(started->pidfd);
    spawner_.emplace(std::move(started->channel));
    const auto sandbox = spawner_->expect<pb::Sandbox>(FrameType::kSandbox);
    ASSERT_TRUE(sandbox);
    layers_ = *sandbox;
  }
  void TearDown() override {
    if (!spawner_) return;
    spawner_->close();
    EXPECT_TRUE(ends(pidfd_));
    if (pid_ > 0) {
      EXPECT_EQ(::waitpid(pid_, &status_, 0), pid_);
    }
  }

  struct Worker {
    pid_t pid = 0;
    Fd pidfd;
    Peer peer;
  };
  Worker start(uint64_t token, const std::string& engine = "probe") {
    const auto spawned = spawn(*spawner_, engine, token);
    if (!spawned || spawned->pid() <= 0) {
      ADD_FAILURE() << "no worker: " << (spawned ? spawned->error() : "no answer");
      return {.pid = 0, .pidfd = {}, .peer = Peer(Fd())};
    }
    EXPECT_EQ(spawned->token(), token);
    Worker worker{.pid = spawned->pid(), .pidfd = open_pidfd(spawned->pid()), .peer = Peer(spawner_->take_attachment())};
    EXPECT_TRUE(worker.peer.expect<pb::Blank>(FrameType::kBlank));
    return worker;
  }
  void pool(const std::string& engine, int blanks) {
    pb::Pool body;
    body.set_engine(engine);
    body.set_blanks(blanks);
    spawner_->say(FrameType::kPool, body);
  }

  pid_t pid_ = 0;
  Fd pidfd_;
  std::optional<Peer> spawner_;
  pb::Sandbox layers_;
  int status_ = 0;
};

TEST_F(SpawnerTest, ReportsEveryLayerByName) {
  std::vector<std::string> names;
  for (const auto& layer : layers_.layers()) {
    names.push_back(layer.name());
    EXPECT_FALSE(layer.detail().empty()) << layer.name();
    // What every kernel since 5.13 allows to everyone.
    const bool always = layer.name() == "seccomp" || layer.name() == "no new privileges" || layer.name() == "capabilities" || layer.name() == "resource limits";
    EXPECT_TRUE(layer.active() || !always) << layer.name() << ": " << layer.detail();
    RecordProperty(layer.name(), layer.detail());
  }
  EXPECT_EQ(names, (std::vector<std::string>{"network namespace", "unprivileged user", "capabilities", "no new privileges", "resource limits", "landlock",
                                             "seccomp"}));
}

TEST_F(SpawnerTest, HandsOverABlankOfThePool) {
  pool("probe", 1);
  Worker first = start(1);
  Worker second = start(2);
  EXPECT_NE(first.pid, second.pid);
  // The worker's end is the only other end: when the worker ends, its stream does.
  ::kill(first.pid, SIGKILL);
  EXPECT_FALSE(first.peer.next());
  const auto exited = spawner_->expect<pb::Exited>(FrameType::kExited);
  ASSERT_TRUE(exited);
  EXPECT_EQ(exited->token(), 1U);
  EXPECT_EQ(exited->signal(), SIGKILL);
}

TEST_F(SpawnerTest, ReportsAnExitWithItsCode) {
  Worker worker = start(7);
  worker.peer.close();  // the probe ends with 0 when the server lets go of it
  const auto exited = spawner_->expect<pb::Exited>(FrameType::kExited);
  ASSERT_TRUE(exited);
  EXPECT_EQ(exited->token(), 7U);
  EXPECT_EQ(exited->exit_code(), 0);
  EXPECT_EQ(exited->signal(), 0);
}

TEST_F(SpawnerTest, KillsByToken) {
  Worker worker = start(9);
  pb::Kill kill;
  kill.set_token(8);  // nobody's
  spawner_->say(FrameType::kKill, kill);
  kill.set_token(9);
  spawner_->say(FrameType::kKill, kill);
  const auto exited = spawner_->expect<pb::Exited>(FrameType::kExited);
  ASSERT_TRUE(exited);
  EXPECT_EQ(exited->token(), 9U);
  EXPECT_EQ(exited->signal(), SIGKILL);
}

TEST_F(SpawnerTest, RefusesUnknownAndHostileEngineNames) {
  uint64_t token = 1;
  for (const std::string name : {"nothing", "", "../ebb-spawner", "a/b", "Probe", "probe\n", "............................................"}) {
    const auto spawned = spawn(*spawner_, name, token);
    ASSERT_TRUE(spawned) << name;
    EXPECT_EQ(spawned->token(), token++);
    EXPECT_EQ(spawned->pid(), 0);
    EXPECT_FALSE(spawned->error().empty()) << name;
    EXPECT_FALSE(spawner_->take_attachment()) << name;
  }
}

TEST_F(SpawnerTest, EndsWithItsServerAndLeavesNothing) {
  pool("probe", 2);
  Worker worker = start(1);
  const std::vector<Fd> all = children_of(pid_);
  EXPECT_FALSE(all.empty());
  spawner_->close();
  EXPECT_TRUE(ends(pidfd_));
  for (const Fd& process : all)
    EXPECT_TRUE(ends(process));
}

TEST_F(SpawnerTest, KilledItTakesItsWorkersAlong) {
  Worker idle = start(1);
  Worker sealed = start(2);
  bool ready = false;
  probe(sealed.peer, "", -1, ready);
  ASSERT_TRUE(ready);
  const std::vector<Fd> all = children_of(pid_);
  EXPECT_GE(all.size(), 2U);
  ::kill(pid_, SIGKILL);
  for (const Fd& process : all)
    EXPECT_TRUE(ends(process));
}

TEST_F(SpawnerTest, EndsAtGarbage) {
  Worker worker = start(1);
  ASSERT_TRUE(spawner_->write(std::string(4096, '\xFF')));
  EXPECT_TRUE(ends(pidfd_));
  EXPECT_TRUE(ends(worker.pidfd));
  ASSERT_EQ(::waitpid(pid_, &status_, 0), pid_);
  EXPECT_TRUE(WIFEXITED(status_));
  pid_ = 0;
}

TEST_F(SpawnerTest, SurvivesBodiesThatDoNotParseAndTypesItDoesNotKnow) {
  for (const FrameType type : {FrameType::kSpawn, FrameType::kKill, FrameType::kPool, FrameType::kLoad, static_cast<FrameType>(9999)})
    ASSERT_TRUE(spawner_->write(wire::encode_frame(type, 5, "\xFF\xFF\xFF")));
  start(1);
}

class ProbeTest : public SpawnerTest {
 protected:
  void SetUp() override {
    SpawnerTest::SetUp();
    char path[] = "/tmp/ebb-model-XXXXXX";
    Fd writable(::mkstemp(path));
    ASSERT_TRUE(writable);
    path_ = path;
    ASSERT_EQ(::write(writable.get(), "weights", 7), 7);
    model_ = Fd(::open(path, O_RDONLY | O_CLOEXEC));
  }
  void TearDown() override {
    fs::remove(path_);
    SpawnerTest::TearDown();
  }
  std::string path_;
  Fd model_;
};

TEST_F(ProbeTest, EverythingForbiddenIsDenied) {
  Worker worker = start(1);
  bool ready = false;
  const std::vector<std::string> lines = probe(worker.peer, "all", model_.get(), ready);
  EXPECT_TRUE(ready);
  int denied = 0;
  int works = 0;
  for (const std::string& line : lines) {
    if (line.find(": denied") != std::string::npos) {
      ++denied;
    } else if (line.find(": works") != std::string::npos) {
      ++works;
    } else {
      ADD_FAILURE() << line;
    }
  }
  EXPECT_GE(denied, 150);
  EXPECT_GE(works, 8);
  std::ifstream model(path_);
  std::string content;
  std::getline(model, content);
  EXPECT_EQ(content, "weights");
}

TEST_F(ProbeTest, CallsOfAnotherArchitectureEndIt) {
  uint64_t token = 0;
  for (const std::string_view name : kLethal) {
    Worker worker = start(++token);
    bool ready = false;
    probe(worker.peer, fmt::format("lethal:{}", name), -1, ready);
    EXPECT_FALSE(ready) << name;
    const auto exited = spawner_->expect<pb::Exited>(FrameType::kExited);
    ASSERT_TRUE(exited);
    EXPECT_EQ(exited->signal(), SIGSYS) << name;
  }
}

TEST_F(ProbeTest, TheWorkerHasItsChannelAndNothingElse) {
  Worker worker = start(1);
  std::vector<std::string> descriptors;
  for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/fd", worker.pid)))
    descriptors.push_back(entry.path().filename());
  std::sort(descriptors.begin(), descriptors.end());
  EXPECT_EQ(descriptors, (std::vector<std::string>{"0", "1", "2", "3"}));
  for (const char* fd : {"0", "1", "2"})
    EXPECT_EQ(fs::read_symlink(fmt::format("/proc/{}/fd/{}", worker.pid, fd)), "/dev/null");
  std::ifstream environment(fmt::format("/proc/{}/environ", worker.pid));
  std::string text;
  std::getline(environment, text, '\0');
  EXPECT_EQ(text, "TZ=UTC0");
  // The server must be able to measure it.
  std::ifstream memory(fmt::format("/proc/{}/smaps_rollup", worker.pid));
  EXPECT_TRUE(std::getline(memory, text));
}

// A folder with a program of our own as ebb-worker-x, and a spawner in a child that starts it from there.
TEST(SpawnerOfBadPrograms, DoesNotMakeADyingBlankWithoutEnd) {
  char path[] = "/tmp/ebb-programs-XXXXXX";
  ASSERT_NE(::mkdtemp(path), nullptr);
  const std::string folder = path;
  std::ofstream(folder + "/ebb-worker-x") << "#!/bin/sh\necho x >> " << folder << "/starts\n";
  ASSERT_EQ(::chmod((folder + "/ebb-worker-x").c_str(), 0700), 0);
  int ends_of_channel[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_of_channel), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends_of_channel[0]);
    const io::SystemClock clock;
    ::_exit(Spawner(Fd(ends_of_channel[1]), folder, clock).run());
  }
  ::close(ends_of_channel[1]);
  Peer spawner{Fd(ends_of_channel[0])};
  EXPECT_TRUE(spawner.expect<pb::Sandbox>(FrameType::kSandbox));
  pb::Pool pool;
  pool.set_engine("x");
  pool.set_blanks(1);
  spawner.say(FrameType::kPool, pool);
  // Each question is answered after the spawner went round its loop once: a spawner without a pause would start one blank in each round.
  for (uint64_t token = 1; token <= 500; ++token) {
    const auto spawned = spawn(spawner, "missing", token);
    ASSERT_TRUE(spawned);
  }
  spawner.close();
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  std::ifstream starts(folder + "/starts");
  const auto lines = std::count(std::istreambuf_iterator<char>(starts), {}, '\n');
  EXPECT_GE(lines, 1);
  EXPECT_LE(lines, 10);
  fs::remove_all(folder);
}

// The programs and this test in a folder of their own.
class CopiedPrograms : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    char path[] = "/tmp/ebb-copied-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    folder_ = path;
    const fs::path here = fs::read_symlink("/proc/self/exe").parent_path();
    for (const char* program : {"sandbox_test", "ebb-spawner", "ebb-worker-probe"})
      fs::copy_file(here / program, fs::path(folder_) / program);
  }
  void TearDown() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }
  // Runs the tests of this file there. Returns the wait status.
  int run_tests(uid_t user) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (user != 0 && (::setgroups(0, nullptr) != 0 || ::setresgid(user, user, user) != 0 || ::setresuid(user, user, user) != 0)) ::_exit(90);
      ::execl((folder_ + "/sandbox_test").c_str(), "sandbox_test", "--gtest_filter=SpawnerTest.*:ProbeTest.*", nullptr);
      ::_exit(91);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    return status;
  }
  std::string folder_;
};

TEST_F(CopiedPrograms, ServeAUserWhoIsNotRoot) {
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
  EXPECT_EQ(run_tests(65534), 0);
}

TEST_F(CopiedPrograms, ServeFromAFolderThatOnlyRootCanEnter) {
  ASSERT_EQ(::chmod(folder_.c_str(), 0700), 0);
  EXPECT_EQ(run_tests(0), 0);
}

}  // namespace
}  // namespace ebb::sandbox
