// Real sandboxes of a busybox root: what a function has in them, what it has not, and how it ended.
#include "container/sandbox.h"

#include <elf.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>

#include "container/sandbox_for_test.h"

namespace ebb::container {
namespace {

namespace fs = std::filesystem;
using Why = EndOfFunction::Why;

TEST_F(SandboxTest, TellsHowAFunctionEnded) {
  const struct {
    const char* text;
    int code, signal;
    Why why;
  } rows[] = {{"true", 0, 0, Why::kExit},         {"exit 1", 1, 0, Why::kExit},         {"exit 255", 255, 0, Why::kExit},
              {"kill -9 $$", 0, 9, Why::kSignal}, {"kill -15 $$", 0, 15, Why::kSignal}, {"nothing-of-this-name", 127, 0, Why::kCannotStart},
              {"/bin", 126, 0, Why::kCannotStart}};
  for (const auto& row : rows) {
    const Ran ran = run_to_its_end(shell(row.text));
    EXPECT_EQ(ran.exited.code, row.code) << row.text;
    EXPECT_EQ(ran.exited.signal, row.signal) << row.text;
    EXPECT_EQ(ran.why.why, row.why) << row.text << ": " << ran.why.detail;
    EXPECT_FALSE(ran.why.detail.empty());
  }
}

TEST_F(SandboxTest, CanBeTriedWithoutAnImage) {
  const Status tried = try_sandbox(runtime_, spec().id);
  EXPECT_TRUE(tried) << tried.error().message;
  runtime_.init_program = "/bin/false";
  const Status failed = try_sandbox(runtime_, spec().id);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("ebb-init"), std::string::npos) << failed.error().message;
  runtime_.program = "/bin/false";
  EXPECT_FALSE(try_sandbox(runtime_, spec().id));
}

// Whichever of the two is preferred, the other must do.
TEST_F(SandboxTest, RunsWithTheOtherRuntimeToo) {
  const fs::path runc = "/usr/sbin/runc";
  if (runtime_.tool == Runtime::Tool::kRunc || !fs::exists(runc)) GTEST_SKIP() << "only one is installed: " << runtime_.version;
  runtime_.tool = Runtime::Tool::kRunc;
  runtime_.program = runc;
  Sandbox sandbox = prepare();
  const Ran ran = run_to_its_end(sandbox, shell("id -u; kill -9 1; echo x > /x; unshare -r true; exit 3"));
  EXPECT_EQ(ran.exited.code, 3);
  EXPECT_EQ(ran.output.substr(0, ran.output.find('\n')), runtime_.root ? "1000" : "0");
  EXPECT_NE(ran.output.find("Read-only file system"), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find("unshare: "), std::string::npos) << ran.output;
}

TEST_F(SandboxTest, GivesTheFunctionWhatItShallHaveAndNothingElse) {
  Program program = shell("echo out; echo err >&2; pwd; hostname; id -u; echo $A-$B-$HOME; ls /proc/self/fd; cat; cat /etc/hosts; echo again > /dev/stdout");
  program.env = {"PATH=/bin", "A=1", "B="};
  program.cwd = "/tmp";
  const Ran ran = run_to_its_end(program);
  // ls has the folder open besides the standard three.
  EXPECT_EQ(ran.output, "out\nerr\n/tmp\nfunction\n1000\n1--\n0\n1\n2\n3\n127.0.0.1 localhost function\n::1 localhost function\nagain\n");
}

TEST_F(SandboxTest, SaysWhyAProgramCannotRun) {
  const auto write = [this](const char* name, const std::string& bytes, mode_t mode) { ASSERT_EQ(::chmod(image_->write(name, bytes).c_str(), mode), 0); };
  Elf64_Ehdr arm{};
  std::copy_n(ELFMAG, SELFMAG, arm.e_ident);
  arm.e_ident[EI_CLASS] = ELFCLASS64;
  arm.e_ident[EI_DATA] = ELFDATA2LSB;
  arm.e_type = ET_EXEC;
  arm.e_version = EV_CURRENT;
  arm.e_ehsize = sizeof arm;
  arm.e_machine = EM_S390;
  write("bin/s390", std::string(reinterpret_cast<const char*>(&arm), sizeof arm), 0755);
  write("bin/no-interpreter", "#!/usr/bin/python3 -u\nprint(1)\n", 0755);
  write("bin/not-executable", "#!/bin/sh\n", 0644);
  write("bin/text", "just text\n", 0755);
  write("bin/empty", "", 0755);
  fs::copy_file("/bin/true", image_->path("bin/no-loader"));
  const struct {
    std::vector<std::string> argv;
    const char* cwd;
    ErrorKind kind;
    const char* words;
  } rows[] = {{{"/bin/nothing"}, "/", ErrorKind::kNotFound, "no such file in the image"},
              {{"nothing"}, "/", ErrorKind::kNotFound, "no 'nothing' in the PATH of the image"},
              {{"s390"}, "/", ErrorKind::kInvalid, "is a program for s390"},
              {{"no-interpreter"}, "/", ErrorKind::kNotFound, "its interpreter '/usr/bin/python3 -u' is not in the image"},
              {{"no-loader"}, "/", ErrorKind::kNotFound, "the loader"},
              {{"not-executable"}, "/", ErrorKind::kInvalid, "may not execute it"},
              {{"/bin"}, "/", ErrorKind::kInvalid, "no file that can be executed"},
              {{"text"}, "/", ErrorKind::kInvalid, "neither a program"},
              {{"empty"}, "/", ErrorKind::kInvalid, "neither a program"},
              {{"true"}, "/nowhere", ErrorKind::kNotFound, "no such folder in the image"},
              {{"true"}, "/bin/true", ErrorKind::kNotFound, "no such folder in the image"},
              {{}, "/", ErrorKind::kInvalid, "neither entrypoint nor command"},
              {{"true", std::string(size_t{128} << 10U, 'x')}, "/", ErrorKind::kInvalid, "at most 131072"},
              {{"true", std::string("a\0b", 3)}, "/", ErrorKind::kInvalid, "zero byte"}};
  Sandbox sandbox = prepare();  // one that could not start may try again
  for (const auto& row : rows) {
    const Status ran = sandbox.run({.argv = row.argv, .env = {"PATH=/sbin:/bin"}, .cwd = row.cwd});
    ASSERT_FALSE(ran) << row.words;
    EXPECT_EQ(ran.error().kind, row.kind) << ran.error().message;
    EXPECT_NE(ran.error().message.find(row.words), std::string::npos) << ran.error().message;
  }
  EXPECT_EQ(run_to_its_end(sandbox, shell("exit 3")).exited.code, 3);
  EXPECT_EQ(sandbox.run(shell("true")).error().kind, ErrorKind::kExists);
}

TEST_F(SandboxTest, RefusesASpecThatCannotBeMeant) {
  const std::pair<const char*, void (*)(SandboxSpec&)> rows[] = {
      {"id", [](SandboxSpec& s) { s.id = "../x"; }},
      {"id", [](SandboxSpec& s) { s.id = std::string(65, 'a'); }},
      {"root", [](SandboxSpec& s) { s.root = "image"; }},
      {"uid", [](SandboxSpec& s) { s.uid = 65536; }},
      {"memory_bytes", [](SandboxSpec& s) { s.memory_bytes = 0; }},
      {"tmp_bytes", [](SandboxSpec& s) { s.tmp_bytes = 0; }},
      {"pids_max", [](SandboxSpec& s) { s.pids_max = 1; }},
      {"hostname", [](SandboxSpec& s) { s.hostname = "a\nb"; }},
      {"mounts",
       [](SandboxSpec& s) {
         s.mounts = {{"/etc", "/a/../b"}};
       }},
      {"mounts",
       [](SandboxSpec& s) {
         s.mounts = {{"/etc", "/proc/x"}};
       }},
      {"mounts",
       [](SandboxSpec& s) {
         s.mounts = {{"etc", "/a"}};
       }},
      {"mounts",
       [](SandboxSpec& s) {
         s.mounts = {{"/etc", "/a"}, {"/etc", "/a/b"}};
       }},
  };
  for (const auto& [param, change] : rows) {
    SandboxSpec bad = spec();
    change(bad);
    const Result<Sandbox> sandbox = Sandbox::prepare(bad, runtime_);
    ASSERT_FALSE(sandbox) << param;
    EXPECT_EQ(sandbox.error().kind, ErrorKind::kInvalid) << sandbox.error().message;
    EXPECT_EQ(sandbox.error().param, param) << sandbox.error().message;
  }
  SandboxSpec bad = spec();
  bad.root = "/nowhere/at/all";
  EXPECT_EQ(Sandbox::prepare(bad, runtime_).error().kind, ErrorKind::kNotFound);
  bad = spec();
  bad.mounts = {{"/nowhere/at/all", "/a"}};
  EXPECT_EQ(Sandbox::prepare(bad, runtime_).error().kind, ErrorKind::kNotFound);
}

TEST_F(SandboxTest, MountsAreReadableByTheFunctionOnlyAndNeverWritable) {
  const io::FolderForTest outside;
  fs::create_directory(outside.path("model"));
  ASSERT_EQ(::chmod(outside.write("model/weights", "42").c_str(), 0600), 0);
  ASSERT_EQ(::chmod(outside.path("model").c_str(), 0700), 0);
  ASSERT_EQ(::chmod(outside.write("file", "one file").c_str(), 0400), 0);
  // The image tries to lead a mount astray.
  fs::create_directory(image_->path("opt"));
  fs::create_symlink("/etc", image_->path("opt/ml"));
  SandboxSpec what = spec();
  what.mounts = {{outside.path("model"), "/opt/ml/model"}, {outside.path("file"), "/a/b/file"}};
  Sandbox sandbox = prepare(what);
  const Ran ran = run_to_its_end(sandbox, shell("cat /opt/ml/model/weights /a/b/file; stat -c ' %U %u' /opt/ml/model/weights; echo x > /opt/ml/model/weights; "
                                                "touch /opt/ml/model/new; echo x > /a/b/file; ls /etc"));
  EXPECT_EQ(ran.output.substr(0, ran.output.find('\n')), "42one file UNKNOWN 1000") << ran.output;
  EXPECT_EQ(ran.output.find("new\n"), std::string::npos);
  EXPECT_NE(ran.output.find("Read-only file system"), std::string::npos) << ran.output;
  EXPECT_FALSE(fs::exists(outside.path("model/new")));
  EXPECT_EQ(fs::file_size(outside.path("model/weights")), 2U);
}

TEST_F(SandboxTest, OwnersInsideAreThoseOfTheImage) {
  if (!runtime_.idmapped_mounts) GTEST_SKIP() << "owners cannot be mapped here: " << runtime_.text();
  image_->write("theirs", "");
  ASSERT_EQ(::chown(image_->path("theirs").c_str(), 1000, 44), 0);
  image_->write("secret", "s");
  ASSERT_EQ(::chmod(image_->path("secret").c_str(), 0600), 0);
  const Ran ran = run_to_its_end(shell("stat -c '%u %g' /theirs /secret /bin/sh; cat /secret || echo denied"));
  EXPECT_NE(ran.output.find("1000 44\n0 0\n0 0\n"), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find("denied"), std::string::npos) << ran.output;
}

TEST_F(SandboxTest, ConnectsToWhoeverListensInside) {
  for (const char* address : {"127.0.0.1", "[::1]"}) {
    Sandbox sandbox = prepare();
    EXPECT_EQ(sandbox.connect(80).error().kind, ErrorKind::kUnavailable);
    const Status started = sandbox.run(shell(std::string("httpd -f -h /tmp -p ") + address + ":80"));
    ASSERT_TRUE(started) << started.error().message;
    Result<Fd> socket = sandbox.connect(80);
    for (int tries = 0; tries < 100'000 && !socket && socket.error().kind == ErrorKind::kUnavailable; ++tries)
      socket = sandbox.connect(80);
    ASSERT_TRUE(socket) << address << ": " << socket.error().message;
    const std::string request = "GET /nothing HTTP/1.0\r\n\r\n";
    ASSERT_EQ(::write(socket->get(), request.data(), request.size()), static_cast<ssize_t>(request.size()));
    EXPECT_EQ(read_until(*socket, "\n").substr(0, 12), "HTTP/1.1 404");
  }
}

TEST_F(SandboxTest, ListensInsideForTheWorker) {
  Sandbox sandbox = prepare();
  const Result<Fd> listening = sandbox.listen(9001);
  ASSERT_TRUE(listening) << listening.error().message;
  EXPECT_EQ(sandbox.listen(9001).error().kind, ErrorKind::kExists);
  ASSERT_TRUE(sandbox.run(shell("echo from inside | nc 127.0.0.1 9001")));
  ASSERT_TRUE(readable_within(listening->get()));
  const Fd accepted(::accept4(listening->get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_EQ(read_until(accepted, "\n"), "from inside\n");
}

TEST_F(SandboxTest, ThereIsNoWayOut) {
  const Ran ran = run_to_its_end(
      shell("nc -w 1 192.0.2.1 80 2>&1; nc -w 1 169.254.169.254 80 2>&1; ls /sys/class/net 2>&1; wc -l < /proc/net/route; cat /proc/net/dev | tail -n +3"));
  EXPECT_NE(ran.output.find("Network is unreachable"), std::string::npos) << ran.output;
  EXPECT_EQ(ran.output.find("eth"), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find("lo:"), std::string::npos) << ran.output;
}

TEST_F(SandboxTest, SignalsReachTheFunctionsGroup) {
  Sandbox sandbox = prepare();
  EXPECT_EQ(sandbox.signal(SIGTERM).error().kind, ErrorKind::kNotFound);
  ASSERT_TRUE(sandbox.run(shell("sleep 1000 | sleep 1000")));
  ASSERT_TRUE(sandbox.signal(SIGTERM));
  const std::optional<Exited> exited = end_of(sandbox);
  ASSERT_TRUE(exited);
  EXPECT_EQ(exited->signal, SIGTERM);
}

// As many orphans as would fill the limit several times, were they not reaped.
TEST_F(SandboxTest, OrphansAreReaped) {
  const Ran ran = run_to_its_end(shell("for i in $(seq 20); do for j in $(seq 10); do (true & ); done; while test $(ps | wc -l) -gt 10; do true; done; done"));
  EXPECT_EQ(ran.exited.code, 0) << ran.output;
  EXPECT_EQ(ran.output.find("fork"), std::string::npos) << ran.output;
}

TEST_F(SandboxTest, TheFunctionCannotReachItsInit) {
  const Ran ran = run_to_its_end(shell(
      "kill -9 1; kill -STOP 1; kill -TERM 1; ls /proc/1/fd 2>&1; cat /proc/1/environ 2>&1; cat /proc/1/maps 2>&1; echo x 2>&1 > /.ebb/init; echo still here"));
  EXPECT_NE(ran.output.find("still here"), std::string::npos);
  EXPECT_NE(ran.output.find("/proc/1/fd': Permission denied"), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find("/proc/1/environ': Permission denied"), std::string::npos) << ran.output;
  EXPECT_EQ(ran.exited.code, 0);
}

}  // namespace
}  // namespace ebb::container
