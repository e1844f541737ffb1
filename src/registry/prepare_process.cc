// posix_spawn, since the server may have threads and much memory by now.
#include "registry/prepare_process.h"

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

namespace ebb::registry {

namespace {

constexpr int kPackageFd = 3;
constexpr int kOutputFd = 4;
// It takes what calls leave.
constexpr int kNiceness = 10;

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

}  // namespace

Result<PrepareProcess> PrepareProcess::start(const std::string& program, int package, int into) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno_error("cannot make a pipe for ebb-prepare-onnx", errno));
  Fd output(ends[0]);
  const Fd theirs(ends[1]);
  const bool asks_key = package < 0;
  // Copies beyond the numbers that they will have there, so that none overwrites another.
  const auto high = [](int fd) { return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 16)); };
  const Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Fd in = high(nothing.get());
  const Fd out = high(theirs.get());
  const Fd third = high(asks_key ? nothing.get() : package);
  const Fd fourth = high(asks_key ? nothing.get() : into);
  if (!in || !out || !third || !fourth) return fail(errno_error("cannot prepare descriptors for ebb-prepare-onnx", errno));
  SpawnSettings settings;
  posix_spawn_file_actions_adddup2(&settings.actions, in.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&settings.actions, out.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&settings.actions, third.get(), kPackageFd);
  posix_spawn_file_actions_adddup2(&settings.actions, fourth.get(), kOutputFd);
  posix_spawn_file_actions_addclosefrom_np(&settings.actions, kOutputFd + 1);
  set_attributes(settings.attributes);
  std::string name = "ebb-prepare-onnx";
  std::string key = "--key";
  std::array<char*, 3> arguments = {name.data(), asks_key ? key.data() : nullptr, nullptr};
  std::array<char*, 1> environment = {nullptr};
  pid_t pid = 0;
  const int failed = ::posix_spawn(&pid, program.c_str(), &settings.actions, &settings.attributes, arguments.data(), environment.data());
  if (failed != 0) return fail(errno_error(fmt::format("cannot start {}", program), failed));
  PrepareProcess process(pid, std::move(output));
  process.pidfd_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process.pidfd_) return fail(errno_error("cannot watch ebb-prepare-onnx", errno));
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(pid), kNiceness);
  ::fcntl(process.output_.get(), F_SETFL, O_NONBLOCK);
  return process;
}

PrepareProcess::PrepareProcess(PrepareProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), pidfd_(std::move(other.pidfd_)), output_(std::move(other.output_)) {}

PrepareProcess::~PrepareProcess() {
  if (pid_ == 0) return;
  kill();  // not reaped yet, so the number is still its own
  reap();
}

void PrepareProcess::kill() const {
  if (pid_ != 0) ::kill(-pid_, SIGKILL);  // its group, so that nothing of it goes on
}

int PrepareProcess::reap() {
  int status = 0;
  pid_t reaped = -1;
  do {
    reaped = ::waitpid(pid_, &status, 0);
  } while (reaped < 0 && errno == EINTR);
  const bool own = reaped == pid_;
  pid_ = 0;
  return own ? status : -1;
}

}  // namespace ebb::registry
