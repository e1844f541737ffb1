// What children of ebb-fetch can no longer do, each tried in one.
#include "registry/child.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "io/folder_for_test.h"

namespace ebb::registry {
namespace {

namespace fs = std::filesystem;

class ChildTest : public testing::Test {
 protected:
  ChildTest() {
    fs::create_directories(folder_.path("work"));
    fs::create_directories(folder_.path("readable"));
    folder_.write("readable/file", "text");
    folder_.write("outside", "text");
    work_ = Fd(::open(folder_.path("work").c_str(), O_PATH | O_CLOEXEC));
    readable_ = Fd(::open(folder_.path("readable").c_str(), O_PATH | O_CLOEXEC));
  }
  // The layers that hold on this machine, or a failure.
  bool attempt(const ChildRights& rights, const std::function<bool()>& what) {
    const Result<TaskEnd> end = run_task(rights, [&]() -> Result<json::value> { return json::value(what()); });
    EXPECT_TRUE(end) << end.error().message;
    if (end && !end->missing_layers.empty()) skipped_ = end->missing_layers.front();
    return end && end->result.is_bool() && end->result.get_bool();
  }
  ChildRights reading() const { return {.paths = {{.place = readable_.get()}}, .file_bytes_max = 4096}; }
  ChildRights changing() const {
    return {.paths = {{.place = work_.get(), .use = PathUse::kBuild}}, .changes = folder_.path("work").string(), .file_bytes_max = 4096};
  }
  std::string path(const std::string& name) const { return folder_.path(name).string(); }
  static bool opens(const std::string& path, int flags) { return static_cast<bool>(Fd(::open(path.c_str(), flags | O_CLOEXEC, 0600))); }

  io::FolderForTest folder_;
  Fd work_;
  Fd readable_;
  std::string skipped_;
};

TEST_F(ChildTest, AReaderReadsAndNothingElse) {
  EXPECT_TRUE(attempt(reading(), [&] { return opens(path("readable/file"), O_RDONLY); }));
  if (!skipped_.empty()) GTEST_SKIP() << "this machine lacks " << skipped_;
  const std::vector<std::pair<const char*, std::function<bool()>>> attempts = {
      {"read outside", [&] { return opens(path("outside"), O_RDONLY); }},
      {"read /etc/passwd", [] { return opens("/etc/passwd", O_RDONLY); }},
      {"write what it reads", [&] { return opens(path("readable/file"), O_WRONLY); }},
      {"make a file", [&] { return opens(path("readable/new"), O_WRONLY | O_CREAT); }},
      {"make a link", [&] { return ::symlink("/", path("readable/link").c_str()) == 0; }},
      {"change a mode", [&] { return ::chmod(path("outside").c_str(), 0777) == 0; }},
      {"change a mode by a descriptor", [&] { return ::fchmodat(readable_.get(), "../outside", 0777, 0) == 0; }},
      {"change a time", [&] { return ::utimensat(AT_FDCWD, path("outside").c_str(), nullptr, 0) == 0; }},
      {"change an owner", [&] { return ::chown(path("outside").c_str(), ::getuid(), ::getgid()) == 0; }},
      {"remove", [&] { return ::unlink(path("outside").c_str()) == 0; }},
      {"socket", [] { return static_cast<bool>(Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))); }},
      {"fork", [] { return ::fork() >= 0; }},
      {"exec", [] { return ::execl("/bin/true", "true", nullptr) == 0; }},
      {"unshare", [] { return ::unshare(CLONE_NEWUSER) == 0; }},
      {"signal its parent", [] { return ::kill(::getppid(), 0) == 0; }},
  };
  for (const auto& [name, what] : attempts)
    EXPECT_FALSE(attempt(reading(), what)) << name;
}

TEST_F(ChildTest, AWriterChangesItsFolderAndNothingElse) {
  EXPECT_TRUE(attempt(changing(), [] { return opens("new", O_WRONLY | O_CREAT) && ::chmod("new", 0640) == 0 && ::symlink("/", "link") == 0; }));
  if (!skipped_.empty()) GTEST_SKIP() << "this machine lacks " << skipped_;
  EXPECT_TRUE(fs::is_symlink(folder_.path("work/link")));
  const std::vector<std::pair<const char*, std::function<bool()>>> attempts = {
      {"read outside", [&] { return opens(path("outside"), O_RDONLY); }},
      {"make a file outside", [&] { return opens(path("new"), O_WRONLY | O_CREAT); }},
      {"change a mode outside", [&] { return ::chmod(path("outside").c_str(), 0777) == 0; }},
      {"change a time outside", [&] { return ::utimensat(AT_FDCWD, path("outside").c_str(), nullptr, 0) == 0; }},
      {"remove outside", [&] { return ::unlink(path("outside").c_str()) == 0; }},
      {"link what is outside", [&] { return ::link(path("outside").c_str(), "stolen") == 0; }},
      {"move out", [&] { return ::rename("new", path("moved").c_str()) == 0; }},
      {"socket", [] { return static_cast<bool>(Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))); }},
      {"fork", [] { return ::fork() >= 0; }},
      {"exec", [] { return ::execl("/bin/true", "true", nullptr) == 0; }},
      {"a file too large",
       [] {
         const Fd file(::open("large", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
         return ::ftruncate(file.get(), 5000) == 0;
       }},
  };
  for (const auto& [name, what] : attempts)
    EXPECT_FALSE(attempt(changing(), what)) << name;
}

TEST_F(ChildTest, ItsErrorAndItsDeathAreToldApart) {
  const Result<TaskEnd> failed = run_task(reading(), []() -> Result<json::value> { return fail(ErrorKind::kTooLarge, "much", "source"); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::kTooLarge);
  const Result<TaskEnd> died = run_task(reading(), []() -> Result<json::value> {
    ::raise(SIGSEGV);
    return json::value(nullptr);
  });
  ASSERT_FALSE(died);
  EXPECT_EQ(died.error().kind, ErrorKind::kCorrupt);
  EXPECT_NE(died.error().message.find("ended the process that read it"), std::string::npos);
}

TEST_F(ChildTest, AProgramRunsWithItsRightsAndIsFollowed) {
  const std::string busybox = "/bin/busybox";
  if (::access(busybox.c_str(), X_OK) != 0) GTEST_SKIP() << "busybox is not installed";
  ProgramRun run{.path = busybox, .arguments = {"sh", "-c", "echo said >&2; echo inside > file; echo outside > ../outside; exit 3"}, .rights = changing()};
  run.rights.program = true;
  run.time_max = milliseconds(60'000);
  const Result<ProgramEnd> end = run_program(run, [](uint64_t) -> Status { return {}; });
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(WEXITSTATUS(end->status), 3);
  EXPECT_TRUE(end->said.starts_with("said\n")) << end->said;
  EXPECT_TRUE(fs::exists(folder_.path("work/file")));
  EXPECT_EQ(fs::file_size(folder_.path("outside")), 4U);
  // One that does not end is ended, by what is seen of it and by the time.
  run.arguments = {"sh", "-c", "while :; do :; done"};
  const Result<ProgramEnd> stopped = run_program(run, [](uint64_t) -> Status { return fail(ErrorKind::kExhausted, "enough"); });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().message, "enough");
  run.time_max = milliseconds(1);
  EXPECT_EQ(run_program(run, [](uint64_t) -> Status { return {}; }).error().kind, ErrorKind::kTimeout);
  run.path = "/nonexistent/program";
  EXPECT_FALSE(run_program(run, [](uint64_t) -> Status { return {}; }));
  EXPECT_NE(find_program("no-such-tool").error().message.find("apt-get install no-such-tool"), std::string::npos);
}

}  // namespace
}  // namespace ebb::registry
