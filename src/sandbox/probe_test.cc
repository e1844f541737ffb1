// A sealed worker tries everything that it must not be able to do, started by the real ebb-spawner: as root, as a user, and from a folder
// that only root can enter; and with the library of ONNX loaded.
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

#include "sandbox/attempts.h"
#include "sandbox/confine.h"
#include "sandbox/spawner_fixture_for_test.h"

namespace ebb::sandbox {
namespace {

using wire::FrameType;
namespace pb = wire::pb;
namespace fs = std::filesystem;

// With the name of the probe: alone, and with the library of an engine.
class ProbeTest : public SpawnerTest, public testing::WithParamInterface<std::string> {
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
  std::string detail_of(const std::string& name) const {
    for (const auto& layer : layers_.layers())
      if (layer.name() == name) return layer.detail();
    return {};
  }

  std::string path_;
  Fd model_;
};

// What only the run time of a sanitizer needs (seal.cc). Everything else must be denied in such a build too.
bool only_for_sanitizers(std::string_view line) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr std::string_view kNames[] = {"openat O_PATH: ", "readlink /proc/self/exe: ", "pipe2: "};
  return std::any_of(std::begin(kNames), std::end(kNames), [&](std::string_view name) { return line.starts_with(name); });
#else
  (void)line;
  return false;
#endif
}

TEST_P(ProbeTest, EverythingForbiddenIsDenied) {
  Worker worker = start(1, GetParam());
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
    } else if (!only_for_sanitizers(line)) {
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

TEST_P(ProbeTest, NeitherSocketNorProcessNorSignalWhileLoading) {
  Worker worker = start(1, GetParam());
  bool ready = false;
  const std::vector<std::string> lines = probe(worker.peer, "before", model_.get(), ready);
  EXPECT_TRUE(ready);
  EXPECT_GE(lines.size(), 33U + 46U);
  for (const std::string& line : lines)
    EXPECT_NE(line.find(": denied"), std::string::npos) << line;
}

TEST_P(ProbeTest, NoOtherSystemCallIsThere) {
  Worker worker = start(1, GetParam());
  bool ready = false;
  const std::vector<std::string> lines = probe(worker.peer, "sweep", -1, ready);
  EXPECT_TRUE(ready);
  EXPECT_EQ(lines.size(), 1024 - kProbes.size() - calls_without_conditions().size());
  const std::string clone3 = fmt::format("system call {}: denied (Function not implemented)", SYS_clone3);
  for (const std::string& line : lines)
    EXPECT_TRUE(line == clone3 || line.ends_with(": denied (Operation not permitted)")) << line;
}

TEST_P(ProbeTest, ThreadsAreBoundedWhereTheyCanBeCounted) {
  const std::string limits = detail_of("resource limits");
  if (limits.find("threads are not limited") != std::string::npos) GTEST_SKIP() << limits;
  Worker worker = start(1, GetParam());
  bool ready = false;
  const std::vector<std::string> lines = probe(worker.peer, "threads", -1, ready);
  EXPECT_TRUE(ready);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_LT(std::stoi(lines[0]), kThreadsMax);
  EXPECT_GT(std::stoi(lines[0]), kThreadsMax / 2);
}

TEST_P(ProbeTest, CallsOfAnotherArchitectureEndIt) {
  uint64_t token = 0;
  for (const std::string_view name : kLethal) {
    Worker worker = start(++token, GetParam());
    bool ready = false;
    probe(worker.peer, fmt::format("lethal:{}", name), -1, ready);
    EXPECT_FALSE(ready) << name;
    const auto exited = spawner_->expect<pb::Exited>(FrameType::kExited);
    ASSERT_TRUE(exited);
    EXPECT_EQ(exited->signal(), SIGSYS) << name;
  }
}

TEST_P(ProbeTest, TheWorkerHasItsChannelAndNothingElse) {
  Worker worker = start(1, GetParam());
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

INSTANTIATE_TEST_SUITE_P(Workers, ProbeTest, testing::Values("probe", "onnx-probe"),
                         [](const auto& of) { return std::string(of.param == "probe" ? "Bare" : "Onnx"); });

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
      ::unsetenv("GTEST_OUTPUT");  // our own report, in a folder that the other user may not write to
      if (user != 0 && (::setgroups(0, nullptr) != 0 || ::setresgid(user, user, user) != 0 || ::setresuid(user, user, user) != 0)) ::_exit(90);
      ::execl((folder_ + "/sandbox_test").c_str(), "sandbox_test", "--gtest_filter=SpawnerTest.*:*/ProbeTest.*/Bare", nullptr);
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
