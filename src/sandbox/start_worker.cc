// fork and exec of worker programs.
#include "sandbox/start_worker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace ebb::sandbox {

namespace {

constexpr int kChannelFd = 3;

void set_up_process(int channel, pid_t spawner) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != spawner) ::_exit(127);
  ::setsid();
  // Out of the way of the standard descriptors first: the channel may be one of those numbers. dup2 also clears close-on-exec.
  channel = ::fcntl(channel, F_DUPFD_CLOEXEC, kChannelFd + 1);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (channel < 0 || null < 0) ::_exit(127);  // never with the spawner's own in their place
  const int away = ::fcntl(null, F_DUPFD_CLOEXEC, kChannelFd + 1);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::dup2(away, fd) != fd) ::_exit(127);
  if (::dup2(channel, kChannelFd) != kChannelFd || ::syscall(SYS_close_range, kChannelFd + 1, ~0U, 0) != 0) ::_exit(127);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

bool is_engine_name(std::string_view name) {
  return !name.empty() && name.size() <= 32 &&
         std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

Result<StartedWorker> start_worker(const std::string& program, const std::string& argument) {
  if (::access(program.c_str(), X_OK) != 0) return fail(errno_error(program, errno));
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return fail(errno_error("a channel to a worker", errno));
  StartedWorker worker{.pid = 0, .channel = Fd(ends[0])};
  const Fd theirs(ends[1]);
  const pid_t spawner = ::getpid();
  worker.pid = ::fork();
  if (worker.pid < 0) return fail(errno_error("a worker cannot be forked", errno));
  if (worker.pid > 0) return worker;
  set_up_process(theirs.get(), spawner);
  char* const arguments[] = {const_cast<char*>(program.c_str()), argument.empty() ? nullptr : const_cast<char*>(argument.c_str()), nullptr};
  char zone[] = "TZ=UTC0";  // a zone that is whole without a file: there is none to be opened
  char* const environment[] = {zone, nullptr};
  ::execve(program.c_str(), arguments, environment);
  ::_exit(127);
}

pid_t start_ending(const std::string& program, const std::string& containers, Ending how) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::setsid();
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
  char* const arguments[] = {const_cast<char*>(program.c_str()), const_cast<char*>(containers.c_str()),
                             how == Ending::kNow ? const_cast<char*>("now") : nullptr, nullptr};
  char* const environment[] = {nullptr};
  ::execve(program.c_str(), arguments, environment);
  ::_exit(127);
}

Describing start_describing(const std::string& program) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return {};
  Fd out(ends[0]);
  const Fd in(ends[1]);
  const pid_t child = ::fork();
  if (child != 0) return {.pid = child, .output = std::move(out)};
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(in.get(), STDOUT_FILENO);
  ::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
  char describe[] = "describe";
  char* const arguments[] = {const_cast<char*>(program.c_str()), describe, nullptr};
  char* const environment[] = {nullptr};
  ::execve(program.c_str(), arguments, environment);
  ::_exit(127);
}

std::vector<Layer> try_layers() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  Fd out(ends[0]);
  Fd in(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<Layer> layers = confine();
    layers.push_back(seal());
    std::string text;
    for (const Layer& layer : layers)
      text += fmt::format("{}\t{}\t{}\n", layer.name, layer.active ? 1 : 0, layer.detail);
    (void)!::write(in.get(), text.data(), text.size());
    ::_exit(0);
  }
  in.reset();
  std::string text;
  char buffer[4096];
  for (ssize_t count = ::read(out.get(), buffer, sizeof buffer); count > 0 || (count < 0 && errno == EINTR); count = ::read(out.get(), buffer, sizeof buffer)) {
    if (count > 0) text.append(buffer, static_cast<size_t>(count));
  }
  if (child > 0) ::waitpid(child, nullptr, 0);
  std::vector<Layer> layers;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    const size_t first = text.find('\t', at);
    const size_t second = text.find('\t', first + 1);
    layers.push_back({.name = text.substr(at, first - at), .active = text[first + 1] == '1', .detail = text.substr(second + 1, end - second - 1)});
    at = end + 1;
  }
  return layers;
}

}  // namespace ebb::sandbox
