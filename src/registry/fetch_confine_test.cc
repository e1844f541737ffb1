// What a confined fetcher can no longer do, tried in a child process.
#include "registry/fetch_confine.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <functional>

#include "base/fd.h"
#include "io/folder_for_test.h"
#include "registry/content_store.h"

namespace ebb::registry {
namespace {

bool opens(const char* path, int flags) { return static_cast<bool>(Fd(::open(path, flags | O_CLOEXEC, 0600))); }
bool makes_socket(int family, int type) { return static_cast<bool>(Fd(::socket(family, type | SOCK_CLOEXEC, 0))); }
bool makes(long call) { return static_cast<bool>(Fd(static_cast<int>(call))); }
bool forks() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  return child > 0;
}

struct Attempt {
  const char* name;
  std::function<bool()> succeeds;
  bool with_network_too = false;  // allowed when the source is an address
};

std::vector<Attempt> attempts() {
  return {
      {"read /etc/passwd", [] { return opens("/etc/passwd", O_RDONLY); }},
      {"read /etc/shadow", [] { return opens("/etc/shadow", O_RDONLY); }},
      {"read what the C library reads", [] { return opens("/etc/ld.so.cache", O_RDONLY); }, true},
      {"list /", [] { return opens("/", O_RDONLY | O_DIRECTORY); }},
      {"read its own memory map", [] { return opens("/proc/self/maps", O_RDONLY); }},
      {"read the parent's environment", [] { return opens(("/proc/" + std::to_string(::getppid()) + "/environ").c_str(), O_RDONLY); }},
      {"write to /tmp", [] { return opens("/tmp/ebb-fetch-was-here", O_WRONLY | O_CREAT); }},
      {"make a link in /tmp", [] { return ::symlink("/", "/tmp/ebb-fetch-link") == 0; }},
      {"internet socket", [] { return makes_socket(AF_INET, SOCK_STREAM); }, true},
      {"UDP socket", [] { return makes_socket(AF_INET6, SOCK_DGRAM); }, true},
      {"local socket", [] { return makes_socket(AF_UNIX, SOCK_STREAM); }, true},
      {"packet socket", [] { return makes_socket(AF_PACKET, SOCK_RAW); }},
      {"vsock", [] { return makes_socket(AF_VSOCK, SOCK_STREAM); }},
      {"crypto socket", [] { return makes_socket(AF_ALG, SOCK_SEQPACKET); }},
      {"fork", [] { return forks(); }},
      {"exec", [] { return ::execl("/bin/true", "true", nullptr) == 0; }},
      {"ptrace", [] { return ::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr) == 0; }},
      {"signal the parent", [] { return ::kill(::getppid(), 0) == 0; }},
      {"unshare", [] { return ::unshare(CLONE_NEWUSER) == 0; }},
      {"mount", [] { return ::mount("none", "/tmp", "tmpfs", 0, nullptr) == 0; }},
      {"chroot", [] { return ::chroot("/tmp") == 0; }},
      {"bpf", [] { return makes(::syscall(SYS_bpf, BPF_PROG_LOAD, nullptr, 0)); }},
      {"io_uring", [] { return makes(::syscall(SYS_io_uring_setup, 1, nullptr)) || errno != EPERM; }},
      {"userfaultfd", [] { return makes(::syscall(SYS_userfaultfd, 0)); }},
      {"perf", [] { return makes(::syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0)) || errno != EPERM; }},
      {"keyctl", [] { return ::syscall(SYS_keyctl, 0, -3, 0) >= 0; }},
      {"memory file", [] { return makes(::memfd_create("x", 0)); }},
      {"a core limit again",
       [] {
         const rlimit all{.rlim_cur = 1, .rlim_max = 1};
         return ::setrlimit(RLIMIT_CORE, &all) == 0;
       }},
      {"new privileges", [] { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1; }},
  };
}

// 0, or 1 + the number of the attempt whose outcome is another than it should be.
int probe(const io::FolderForTest& folder, bool network) {
  const Fd store(::open(folder.path("models").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const Fd source(::open(folder.path("source").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto missing = confine_fetcher({.store = store.get(), .source = network ? -1 : source.get(), .network = network, .file_bytes_max = 1U << 20U});
  if (!missing) return 200;
  if (!missing->empty()) return 201;
  const std::vector<Attempt> rows = attempts();
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].succeeds() != (network && rows[i].with_network_too)) return static_cast<int>(i) + 1;
  }
  // What it needs still works.
  const Fd file(::openat(store.get(), "staging/x", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file || ::write(file.get(), "x", 1) != 1 || ::renameat(store.get(), "staging/x", store.get(), "sha256/x") != 0) return 202;
  if (::pwrite(file.get(), "x", 1, 1U << 20U) != -1 || errno != EFBIG) return 203;
  if (::mmap(nullptr, 1, PROT_READ, MAP_PRIVATE, file.get(), 0) == MAP_FAILED) return 204;
  // Files beside a model that was named can be read, not written, and only they.
  const auto opens_at = [](const Fd& from, const char* path, int flags) { return static_cast<bool>(Fd(::openat(from.get(), path, flags | O_CLOEXEC, 0600))); };
  if (opens_at(source, "x", O_RDONLY) == network) return 206;
  if (opens_at(source, "x", O_WRONLY) || opens_at(source, "new", O_WRONLY | O_CREAT) || opens_at(source, "../beside", O_RDONLY)) return 207;
  if (!network && ::mmap(nullptr, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, file.get(), 0) != MAP_FAILED) return 205;
  return 0;
}

class FetchConfine : public testing::TestWithParam<bool> {};

TEST_P(FetchConfine, DeniesWhatIsNotNeeded) {
  const io::FolderForTest folder;
  ASSERT_TRUE(ContentStore::open(folder.path("models")));
  std::filesystem::create_directory(folder.path("source"));
  folder.write("source/x", "x");
  folder.write("beside", "x");
  const pid_t child = ::fork();
  if (child == 0) ::_exit(probe(folder, GetParam()));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  const int code = WEXITSTATUS(status);
  if (code == 201) GTEST_SKIP() << "this kernel lacks Landlock or seccomp";
  const std::vector<Attempt> rows = attempts();
  EXPECT_EQ(code, 0) << (code > 0 && static_cast<size_t>(code) <= rows.size() ? rows[static_cast<size_t>(code) - 1].name : "what is needed");
}

INSTANTIATE_TEST_SUITE_P(Sources, FetchConfine, testing::Values(false, true), [](const auto& row) { return row.param ? "address" : "file"; });

}  // namespace
}  // namespace ebb::registry
