// What is left of a process that was confined: a child tries, and says what went otherwise than it must.
#include "egress/confine.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

#include "base/fd.h"

namespace ebb::egress {
namespace {

constexpr int kLandlockVersion = 1;

bool opens(const char* path, int flags = O_RDONLY) { return Fd(::open(path, flags | O_CLOEXEC, 0600)).get() >= 0; }
bool has_socket(int family, int type = SOCK_STREAM) { return Fd(::socket(family, type | SOCK_CLOEXEC, 0)).get() >= 0; }
bool maps(int protection) {
  void* const memory = ::mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) ::munmap(memory, 4096);
  return memory != MAP_FAILED;
}
bool makes_executable() {
  void* const memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return ::mprotect(memory, 4096, PROT_READ | PROT_EXEC) == 0;
}
bool listens() {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::listen(socket.get(), 1) == 0;
}
bool resolves_localhost() {
  addrinfo* found = nullptr;
  const bool done = ::getaddrinfo("localhost", nullptr, nullptr, &found) == 0;
  if (done) ::freeaddrinfo(found);
  return done;
}
bool forks() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  return child > 0;
}
bool executes() {
  ::execl("/bin/true", "true", nullptr);  // if it does, nothing is said at all
  return false;
}

std::string try_all(bool has_landlock) {
  const bool root = ::geteuid() == 0;
  const Status confined = confine();
  if (!confined) return "confine: " + confined.error().message;
  std::string wrong;
  const auto must = [&](const char* what, bool is, bool should) {
    if (is != should) wrong += std::string(should ? "must, and cannot: " : "must not, and can: ") + what + "\n";
  };
  if (has_landlock) {
    must("read a file of the system", opens("/proc/version"), false);
    must("read a folder", opens("/"), false);
  }
  must("write a file", opens("/tmp/ebb-egress-wrote-this", O_WRONLY | O_CREAT), false);
  must("have a local socket", has_socket(AF_UNIX), false);
  must("have a packet socket", has_socket(AF_PACKET, SOCK_RAW), false);
  must("have a raw socket", has_socket(AF_INET, SOCK_RAW), false);
  must("listen", listens(), false);
  must("start a process", forks(), false);
  must("execute a program", executes(), false);
  must("signal another process", ::kill(::getppid(), 0) == 0, false);
  must("trace", ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0, false);
  must("map memory that is written and executed", maps(PROT_READ | PROT_WRITE | PROT_EXEC), false);
  must("make memory executable", makes_executable(), false);
  must("become root", ::syscall(SYS_setuid, 0) == 0, false);
  must("be nobody", !root || ::geteuid() == 65'534, true);
  must("have a socket of the internet", has_socket(AF_INET), true);
  must("resolve a name", resolves_localhost(), true);
  return wrong.empty() ? "as it must be" : wrong;
}

TEST(Confine, LeavesTheNetworkAndLittleElse) {
  const bool has_landlock = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kLandlockVersion) > 0;
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const Fd out(ends[0]);
  Fd in(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string said = try_all(has_landlock);
    (void)!::write(in.get(), said.data(), said.size());
    ::_exit(0);
  }
  in.reset();
  std::string said;
  std::array<char, 4'096> buffer{};
  for (ssize_t count = 0; (count = ::read(out.get(), buffer.data(), buffer.size())) > 0;)
    said.append(buffer.data(), static_cast<size_t>(count));
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(said, "as it must be");
  ::unlink("/tmp/ebb-egress-wrote-this");
}

}  // namespace
}  // namespace ebb::egress
