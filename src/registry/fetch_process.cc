// posix_spawn, since the server may have threads and much memory by now.
#include "registry/fetch_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace ebb::registry {

namespace {

// The request as a file in memory: no pipe that could be full, no writer that must stay.
Result<Fd> request_file(const json::value& request) {
  const std::string text = json::serialize(request);
  if (text.size() > kFetchRequestBytesMax) return fail(ErrorKind::kInvalid, "the source is too long", "source");
  Fd file(::memfd_create("fetch-request", MFD_CLOEXEC));
  if (!file) return fail(errno_error("cannot hand over the request", errno));
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) || ::lseek(file.get(), 0, SEEK_SET) != 0)
    return fail(errno_error("cannot hand over the request", errno));
  return file;
}

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

Result<FetchProcess> start_fetch_process(const std::string& program, const json::value& request, int store_directory) {
  const Result<Fd> input = request_file(request);
  if (!input) return fail(input.error());
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno_error("cannot make a pipe for ebb-fetch", errno));
  Fd output(ends[0]);
  const Fd theirs(ends[1]);
  // Copies beyond the numbers that they will have there, so that none overwrites another.
  const auto high = [](int fd) { return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 16)); };
  const Fd in = high(input->get());
  const Fd out = high(theirs.get());
  const Fd store = high(store_directory);
  if (!in || !out || !store) return fail(errno_error("cannot prepare descriptors for ebb-fetch", errno));
  SpawnSettings settings;
  posix_spawn_file_actions_adddup2(&settings.actions, in.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&settings.actions, out.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&settings.actions, store.get(), kFetchStoreFd);
  posix_spawn_file_actions_addclosefrom_np(&settings.actions, kFetchStoreFd + 1);
  set_attributes(settings.attributes);
  std::string name = "ebb-fetch";
  std::array<char*, 2> arguments = {name.data(), nullptr};
  std::array<char*, 1> environment = {nullptr};
  FetchProcess process{.pid = -1, .pidfd = {}, .output = std::move(output)};
  const int failed = ::posix_spawn(&process.pid, program.c_str(), &settings.actions, &settings.attributes, arguments.data(), environment.data());
  if (failed != 0) return fail(ErrorKind::kInternal, errno_error(fmt::format("cannot start {}", program), failed).message);
  process.pidfd = Fd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!process.pidfd) {
    const int why = errno;
    ::kill(process.pid, SIGKILL);
    ::waitpid(process.pid, nullptr, 0);
    return fail(errno_error("cannot watch ebb-fetch", why));
  }
  ::fcntl(process.output.get(), F_SETFL, O_NONBLOCK);
  return process;
}

void kill_fetch_process(const FetchProcess& process) {
  ::syscall(SYS_pidfd_send_signal, process.pidfd.get(), SIGKILL, nullptr, 0);
  ::kill(-process.pid, SIGKILL);
}

int reap_fetch_process(const FetchProcess& process) {
  int status = 0;
  pid_t reaped = -1;
  do {
    reaped = ::waitpid(process.pid, &status, 0);
  } while (reaped < 0 && errno == EINTR);
  return reaped == process.pid ? status : -1;
}

}  // namespace ebb::registry
