// A root of busybox, and sandboxes made of it, for tests.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "container/sandbox.h"
#include "io/folder_for_test.h"

namespace ebb::container {

// Longer than anything here takes; reaching it fails the test.
inline constexpr int kPatienceMs = 60'000;

inline constexpr const char* kBusybox[] = {"/bin/busybox", "/usr/bin/busybox"};

// A folder of a program beside this test.
inline std::filesystem::path beside_this_test(const std::string& name) { return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name; }

inline bool readable_within(int fd, int patience_ms = kPatienceMs) {
  pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&readable, 1, patience_ms) == 1;
}

// Up to its end.
inline std::string read_all(const Fd& fd) {
  std::string text;
  char buffer[4096];
  while (readable_within(fd.get())) {
    const ssize_t count = ::read(fd.get(), buffer, sizeof buffer);
    if (count <= 0) break;
    text.append(buffer, static_cast<size_t>(count));
  }
  return text;
}

// Until it has said this.
inline std::string read_until(const Fd& fd, std::string_view what) {
  std::string text;
  char byte = 0;
  while (text.find(what) == std::string::npos && readable_within(fd.get()) && ::read(fd.get(), &byte, 1) == 1)
    text.push_back(byte);
  return text;
}

inline std::optional<Exited> end_of(Sandbox& sandbox) {
  while (readable_within(sandbox.events_fd())) {
    if (std::optional<Exited> exited = sandbox.next_event()) return exited;
  }
  return std::nullopt;
}

class SandboxTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<Runtime> runtime = detect_runtime();
    if (!runtime) GTEST_SKIP() << runtime.error().message;
    runtime_ = std::move(*runtime);
    const auto busybox = std::find_if(std::begin(kBusybox), std::end(kBusybox), [](const char* path) { return std::filesystem::exists(path); });
    if (busybox == std::end(kBusybox)) GTEST_SKIP() << "busybox-static is not installed";
    image_.emplace();
    std::filesystem::create_directories(image_->path("bin"));
    std::filesystem::copy_file(*busybox, image_->path("bin/busybox"));
    for (const char* name : {"cat", "dd", "echo",  "hostname", "httpd", "id",   "ip",    "kill", "ls",      "nc", "ps",
                             "seq", "sh", "sleep", "stat",     "tail",  "test", "touch", "true", "unshare", "wc"})
      std::filesystem::create_symlink("busybox", image_->path("bin") / name);
  }

  SandboxSpec spec() {
    static int count = 0;
    return {.id = "ebb-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count),
            .root = image_->path(),
            .host_id_base = 3'000'000,
            .uid = 1000,
            .gid = 1000,
            .groups = {},
            .memory_bytes = uint64_t{64} << 20U,
            .tmp_bytes = uint64_t{8} << 20U,
            .pids_max = 32,
            .cpu_millis = 0,
            .mounts = {},
            .hostname = "function"};
  }
  Sandbox prepare(const SandboxSpec& what) {
    Result<Sandbox> sandbox = Sandbox::prepare(what, runtime_);
    if (!sandbox) throw std::runtime_error(sandbox.error().message);  // fails the test with these words
    return std::move(*sandbox);
  }
  Sandbox prepare() { return prepare(spec()); }

  static Program shell(const std::string& text) { return {.argv = {"sh", "-c", text}, .env = {"PATH=/bin"}, .cwd = "/"}; }

  struct Ran {
    Exited exited;
    std::string output;
    EndOfFunction why;
  };
  static Ran run_to_its_end(Sandbox& sandbox, const Program& program) {
    const Fd output = sandbox.take_output();
    if (const Status started = sandbox.run(program); !started) throw std::runtime_error(started.error().message);
    Ran ran;
    ran.output = read_all(output);
    const std::optional<Exited> exited = end_of(sandbox);
    if (!exited) throw std::runtime_error("it did not end");
    ran.exited = *exited;
    ran.why = sandbox.why_it_ended(*exited);
    return ran;
  }
  Ran run_to_its_end(const Program& program) {
    Sandbox sandbox = prepare();
    return run_to_its_end(sandbox, program);
  }

  bool has_cgroups() const { return runtime_.cgroups != CgroupKind::kNone; }

  Runtime runtime_;
  std::optional<io::FolderForTest> image_;
};

}  // namespace ebb::container
