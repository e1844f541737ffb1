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
#include <cerrno>

namespace ebb::sandbox {

namespace {

constexpr int kChannelFd = 3;

[[noreturn]] void give_up(int failed) {
  const int error = errno;
  (void)!::write(failed, &error, sizeof error);
  ::_exit(127);
}

// In the child: never returns. `failed` tells the parent errno if exec does not happen.
[[noreturn]] void become_spawner(const char* program, const char* containers, int channel, int failed, pid_t parent) {
  // Ends with the server, whatever happens to it. The check closes the gap in which it may have ended already.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  ::setsid();  // Ctrl-C at the server's terminal is the server's business
  // Out of the way of the numbers below first: a server that was started without standard descriptors has these there.
  failed = ::fcntl(failed, F_DUPFD_CLOEXEC, kChannelFd + 1);
  channel = ::fcntl(channel, F_DUPFD_CLOEXEC, kChannelFd + 1);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const int away = null < 0 ? -1 : ::fcntl(null, F_DUPFD_CLOEXEC, kChannelFd + 1);
  if (channel < 0 || away < 0) give_up(failed);
  // Errors of the spawner itself go where the server's go.
  if (::fcntl(STDERR_FILENO, F_GETFD) < 0) ::dup2(away, STDERR_FILENO);
  if (::dup2(away, STDIN_FILENO) < 0 || ::dup2(away, STDOUT_FILENO) < 0 || ::dup2(channel, kChannelFd) < 0) give_up(failed);
  if (::syscall(SYS_close_range, kChannelFd + 1, ~0U, 1U << 2U /* CLOSE_RANGE_CLOEXEC */) != 0) give_up(failed);
  char* const arguments[] = {const_cast<char*>("ebb-spawner"), *containers != 0 ? const_cast<char*>(containers) : nullptr, nullptr};
  char* const environment[] = {nullptr};
  ::execve(program, arguments, environment);
  give_up(failed);
}

}  // namespace

Result<SpawnerProcess> start_spawner(const std::string& program, const std::string& containers) {
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
  if (process.pid == 0) become_spawner(program.c_str(), containers.c_str(), theirs.get(), failed.get(), parent);
  failed.reset();
  int error = 0;
  ssize_t told = 0;
  do
    told = ::read(outcome.get(), &error, sizeof error);
  while (told < 0 && errno == EINTR);
  // The pipe closes by itself when exec succeeds.
  if (told == static_cast<ssize_t>(sizeof error)) {
    ::waitpid(process.pid, nullptr, 0);
    return fail(errno_error(program, error));
  }
  process.pidfd = Fd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!process.pidfd) return fail(errno_error("a descriptor of ebb-spawner's process", errno));
  return process;
}

}  // namespace ebb::sandbox
