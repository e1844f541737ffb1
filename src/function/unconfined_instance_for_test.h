// For tests: an instance that is an ordinary child of this process, on this machine's loopback, without any wall around it.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <string>
#include <vector>

#include "function/instance.h"

namespace ebb::function {

class UnconfinedInstance final : public Instance {
 public:
  ~UnconfinedInstance() override {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    if (!reaped_) ::waitpid(pid_, nullptr, 0);
  }

  Status run(const container::Program& program) override {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    output_ = Fd(ends[0]);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    const Fd theirs(ends[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, theirs.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, theirs.get(), 2);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    const int error = ::posix_spawnp(&pid_, program.argv.front().c_str(), &actions, &attributes, pointers(program.argv).data(), pointers(program.env).data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
      pid_ = 0;
      return fail(ErrorKind::kNotFound, program.argv.front() + ": " + std::strerror(error));
    }
    events_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    return {};
  }

  Result<Fd> connect(uint16_t port) override {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(port);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return fail(errno_error("connect", errno));
    ::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
    ++connections;
    return socket;
  }

  void connect_soon(uint16_t /*port*/) override {}
  Result<Fd> listen(uint16_t port) override {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in address = loopback(port);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(socket.get(), 16) != 0)
      return fail(errno_error("listen", errno));
    return socket;
  }

  Status signal(int number) override { return done(::kill(-pid_, number)); }
  int events_fd() const override { return events_.get(); }

  std::optional<container::Exited> next_event() override {
    int status = 0;
    if (reaped_ || ::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    reaped_ = true;
    return container::Exited{.code = WIFEXITED(status) ? WEXITSTATUS(status) : 0, .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0};
  }

  Fd take_output() override { return std::move(output_); }

  container::EndOfFunction why_it_ended(const container::Exited& exited) const override {
    using Why = container::EndOfFunction::Why;
    if (exited.signal != 0)
      return {.why = Why::kSignal, .code = 0, .signal = exited.signal, .detail = "it was ended by signal " + std::to_string(exited.signal)};
    return {.why = Why::kExit, .code = exited.code, .signal = 0, .detail = "exit status " + std::to_string(exited.code)};
  }

  Status freeze() override { return done(::kill(-pid_, SIGSTOP)); }
  Status thaw() override { return done(::kill(-pid_, SIGCONT)); }
  container::SandboxUsage usage() const override { return {}; }

  std::atomic<int> connections = 0;  // made so far

  // A port that nobody had a moment ago.
  static uint16_t free_port() {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = loopback(0);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    return ntohs(address.sin_port);
  }

 private:
  static sockaddr_in loopback(uint16_t port) { return {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}}; }
  static Status done(int result) {
    if (result != 0) return fail(errno_error("kill", errno));
    return {};
  }
  static std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> all;
    for (const std::string& one : strings)
      all.push_back(const_cast<char*>(one.c_str()));
    all.push_back(nullptr);
    return all;
  }

  pid_t pid_ = 0;
  bool reaped_ = false;
  Fd events_;
  Fd output_;
};

}  // namespace ebb::function
