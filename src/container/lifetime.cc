// Ending what nobody holds any more: first runtimes that are still making a container, then what is in the cgroups.
#include "container/lifetime.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "container/cgroup.h"
#include "io/clock.h"

namespace ebb::container {

namespace {

namespace fs = std::filesystem;

constexpr milliseconds kLookAgain{10};  // then after twice as long each time: a look goes through all processes
constexpr int kRuntimesEndMaxMs = 2'000;
constexpr size_t kArgumentsBytesMax = 4'096;  // a runtime that we call has few

bool is_of(std::string_view name, std::string_view id) { return name.starts_with(id) && (name.size() == id.size() || name[id.size()] == '-'); }

// By system calls: streams throw when a process ends while its file is read.
std::string text_of(const fs::path& file) {
  const Fd in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(kArgumentsBytesMax, '\0');
  const ssize_t count = in ? ::read(in.get(), text.data(), text.size()) : 0;
  text.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return text;
}

bool is_runtime(const fs::path& process) {
  const std::string command = text_of(process / "comm");
  return command.starts_with("crun") || command.starts_with("runc");
}

// Called for one of these containers.
bool is_runtime_for(const fs::path& process, std::string_view id) {
  if (!is_runtime(process)) return false;
  const std::string arguments = text_of(process / "cmdline");
  for (size_t at = 0; at < arguments.size(); at = arguments.find('\0', at) + 1) {
    if (is_of(std::string_view(arguments.data() + at, arguments.find('\0', at) - at), id)) return true;
    if (arguments.find('\0', at) == std::string::npos) break;
  }
  return false;
}

// A runtime outlives the worker that called it by a moment, and would make its cgroups after we looked for them.
void end_runtimes(std::string_view id) {
  for (bool found = true; found;) {
    found = false;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
      const std::string name = entry.path().filename();
      pid_t pid = 0;
      if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc() || pid <= 0 || !is_runtime(entry.path())) continue;
      const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));  // before looking again, so that it is the one that was looked at
      if (!process || !is_runtime_for(entry.path(), id) || ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0) != 0) continue;
      pollfd ended{.fd = process.get(), .events = POLLIN, .revents = 0};
      found = ::poll(&ended, 1, kRuntimesEndMaxMs) == 1 || found;
    }
  }
}

Status end_what_is_there(std::string_view id, milliseconds patience) {
  end_runtimes(id);
  const std::vector<fs::path> trees = cgroup_trees();
  std::vector<std::string> names;
  for (const fs::path& tree : trees) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(tree, ignored)) {
      const std::string name = entry.path().filename();
      if (entry.is_directory(ignored) && is_of(name, id)) names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  const io::SystemClock clock;
  const MonoTime until = clock.mono() + patience;
  Status all;
  for (const std::string& name : names) {
    const auto left = std::chrono::duration_cast<milliseconds>(std::max(until - clock.mono(), nanoseconds(0)));
    if (Status ended = Cgroup::open(trees, name).end(left); !ended) all = std::move(ended);
  }
  return all;
}

}  // namespace

bool is_container_id(std::string_view id) {
  return !id.empty() && id.size() <= kIdBytesMax && id.front() != '-' && id.back() != '-' &&
         std::all_of(id.begin(), id.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

Status end_containers(std::string_view id, milliseconds patience) {
  if (!is_container_id(id)) return fail(ErrorKind::kInvalid, fmt::format("'{}' is no id of a container", id));
  return end_what_is_there(id, patience);
}

Status end_containers_that_may_come(std::string_view id, milliseconds patience, milliseconds watch) {
  const io::SystemClock clock;
  const MonoTime until = clock.mono() + watch;
  for (milliseconds pause = kLookAgain;; pause *= 2) {
    if (Status ended = end_containers(id, patience); !ended || clock.mono() >= until) return ended;
    std::this_thread::sleep_for(std::min<nanoseconds>(pause, std::max(until - clock.mono(), nanoseconds(0))));
  }
}

}  // namespace ebb::container
