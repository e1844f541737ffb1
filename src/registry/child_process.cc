// posix_spawn, since the server may have threads and much memory by now.
#include "registry/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/check.h"

namespace ebb::registry {

namespace {

// Descriptors are copied beyond the numbers that they will have there, so that none overwrites another.
constexpr int kHighFd = 16;

struct SpawnSettings {
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

// A group of its own: an interrupt at the terminal is the server's to handle.
void set_attributes(posix_spawnattr_t& attributes) {
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

// The child's standard input and output and the descriptors that it is given; standard error stays. `kept` until it is started.
Status set_descriptors(SpawnSettings& settings, const ChildStart& start, int output, std::vector<Fd>& kept) {
  const Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  std::vector<std::pair<int, int>> places = {{start.input, STDIN_FILENO}, {output, STDOUT_FILENO}};
  int next = kChildFd;
  for (const int fd : start.fds)
    places.emplace_back(fd, next++);
  for (const auto& [fd, place] : places) {
    const Fd& high = kept.emplace_back(::fcntl(fd >= 0 ? fd : nothing.get(), F_DUPFD_CLOEXEC, kHighFd));
    if (!high) return fail(errno_error(fmt::format("cannot prepare descriptors for {}", start.name), errno));
    posix_spawn_file_actions_adddup2(&settings.actions, high.get(), place);
  }
  EBB_CHECK(next <= kHighFd);
  posix_spawn_file_actions_addclosefrom_np(&settings.actions, next);
  return {};
}

}  // namespace

Result<std::shared_ptr<ChildProcess>> ChildProcess::start(const ChildStart& start) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno_error(fmt::format("cannot make a pipe for {}", start.name), errno));
  Fd output(ends[0]);
  const Fd theirs(ends[1]);
  SpawnSettings settings;
  std::vector<Fd> kept;
  if (Status set = set_descriptors(settings, start, theirs.get(), kept); !set) return fail(set.error());
  set_attributes(settings.attributes);
  std::vector<std::string> words = {start.name};
  words.insert(words.end(), start.arguments.begin(), start.arguments.end());
  std::vector<char*> arguments;
  for (std::string& word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::array<char*, 1> environment = {nullptr};
  pid_t pid = 0;
  const int failed = ::posix_spawn(&pid, start.program.c_str(), &settings.actions, &settings.attributes, arguments.data(), environment.data());
  if (failed != 0) return fail(errno_error(fmt::format("cannot start {}", start.program), failed));
  std::shared_ptr<ChildProcess> child(new ChildProcess(pid, std::move(output)));
  child->pidfd_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!child->pidfd_) return fail(errno_error(fmt::format("cannot watch {}", start.name), errno));
  if (start.niceness != 0) ::setpriority(PRIO_PROCESS, static_cast<id_t>(pid), start.niceness);
  ::fcntl(child->output_.get(), F_SETFL, O_NONBLOCK);
  return child;
}

ChildProcess::~ChildProcess() {
  if (pid_ == 0) return;
  end();
  reap();
}

void ChildProcess::kill(Error why) {
  if (pid_ == 0) return;
  if (!killed_for_) killed_for_ = std::move(why);
  end();
}

io::Task<int> ChildProcess::reaped(std::shared_ptr<ChildProcess> child, io::Executor executor) {
  io::Descriptor gone(executor, child->pidfd_.release());
  const auto [waited] = co_await gone.async_wait(io::Descriptor::wait_read, io::asio::as_tuple(io::use_awaitable));
  static_cast<void>(waited);
  co_return child->reap();
}

// By its number, which is still its own: it is not reaped yet.
void ChildProcess::end() const {
  ::kill(pid_, SIGKILL);
  ::kill(-pid_, SIGKILL);
}

int ChildProcess::reap() {
  int status = 0;
  pid_t reaped = -1;
  do {
    reaped = ::waitpid(pid_, &status, 0);
  } while (reaped < 0 && errno == EINTR);
  const bool own = reaped == pid_;
  pid_ = 0;
  return own ? status : -1;
}

std::string end_of_child(int status) {
  return WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status)) : fmt::format("status {}", WEXITSTATUS(status));
}

}  // namespace ebb::registry
