// fork, arrange descriptors, exec: nothing between the two but system calls.
#include "sandbox/start_spawner.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace ebb::sandbox {

namespace {

constexpr int kChannelFd = 3;

// In the child: never returns. `failed` tells the parent errno if exec does not happen.
[[noreturn]] void become_spawner(const char* program, int channel, int failed, pid_t parent) {
  // Ends with the server, whatever happens to it. The check closes the gap in which it may have ended already.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  ::setsid();  // Ctrl-C at the server's terminal is the server's business
  const int null = ::open("/dev/null", O_RDWR);
  ::dup2(null, STDIN_FILENO);
  ::dup2(null, STDOUT_FILENO);
  if (channel == kChannelFd) {
    ::fcntl(channel, F_SETFD, 0);
  } else {
    if (failed == kChannelFd) failed = ::fcntl(failed, F_DUPFD_CLOEXEC, kChannelFd + 1);
    ::dup2(channel, kChannelFd);
  }
  const int keep = ::fcntl(failed, F_DUPFD_CLOEXEC, kChannelFd + 1);
  ::syscall(SYS_close_range, kChannelFd + 1, ~0U, 1U << 2U /* CLOSE_RANGE_CLOEXEC */);
  char* const arguments[] = {const_cast<char*>("ebb-spawner"), nullptr};
  char* const environment[] = {nullptr};
  ::execve(program, arguments, environment);
  const int error = errno;
  (void)!::write(keep, &error, sizeof error);
  ::_exit(127);
}

}  // namespace

Result<SpawnerProcess> start_spawner(const std::string& program) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return fail(errno_error("a channel to ebb-spawner", errno));
  SpawnerProcess process{.channel = Fd(ends[0]), .pidfd = {}, .pid = 0};
  const Fd theirs(ends[1]);
  std::array<int, 2> pipe_ends{};
  if (::pipe2(pipe_ends.data(), O_CLOEXEC) != 0) return fail(errno_error("a pipe to ebb-spawner", errno));
  const Fd outcome(pipe_ends[0]);
  Fd failed(pipe_ends[1]);

  const pid_t parent = ::getpid();
  process.pid = ::fork();
  if (process.pid < 0) return fail(errno_error("ebb-spawner cannot be forked", errno));
  if (process.pid == 0) become_spawner(program.c_str(), theirs.get(), failed.get(), parent);
  failed.reset();
  int error = 0;
  // The pipe closes by itself when exec succeeds.
  if (::read(outcome.get(), &error, sizeof error) == static_cast<ssize_t>(sizeof error)) {
    ::waitpid(process.pid, nullptr, 0);
    return fail(errno_error(program, error));
  }
  process.pidfd = Fd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!process.pidfd) return fail(errno_error("a descriptor of ebb-spawner's process", errno));
  return process;
}

}  // namespace ebb::sandbox
