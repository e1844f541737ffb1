// Files of cgroups. Version 1 has a tree for each controller, version 2 one for all.
#include "container/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <thread>

#include "io/clock.h"

namespace ebb::container {

namespace {

namespace fs = std::filesystem;

constexpr microseconds kLookAgain{200};
constexpr std::string_view kFrozenV1 = "FROZEN";
constexpr std::string_view kThawedV1 = "THAWED";

std::string read_at(const Fd& file) {
  char buffer[4096];
  const ssize_t count = file ? ::pread(file.get(), buffer, sizeof buffer, 0) : 0;
  return std::string(buffer, count > 0 ? static_cast<size_t>(count) : 0);
}

uint64_t number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool write_text(int file, std::string_view text) { return ::pwrite(file, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()); }

bool write_file(const fs::path& path, std::string_view text) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file && write_text(file.get(), text);
}

Fd open_first(const std::vector<fs::path>& folders, std::initializer_list<const char*> names, int flags = O_RDONLY) {
  for (const char* name : names) {
    for (const fs::path& folder : folders) {
      if (Fd file(::open((folder / name).c_str(), flags | O_CLOEXEC)); file) return file;
    }
  }
  return {};
}

// A sealed worker may look at no path, and must not end by an exception for it.
bool is_version_two(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / "cgroup.controllers", ignored);
}

// Until `done` or `patience` is over.
template <class Done>
bool wait_until(milliseconds patience, Done done) {
  const io::SystemClock clock;
  const MonoTime until = clock.mono() + patience;
  while (!done()) {
    if (clock.mono() >= until) return false;
    std::this_thread::sleep_for(kLookAgain);
  }
  return true;
}

// Signals what is in it now. Returns how many there were.
int kill_processes(const fs::path& folder) {
  std::ifstream list(folder / "cgroup.procs");
  int count = 0;
  for (pid_t pid = 0; list >> pid; ++count) {
    if (pid > 0) ::kill(pid, SIGKILL);
  }
  return count;
}

// rmdir fails for a moment after the last process ended, and for ever while there is one.
bool remove_folder(const fs::path& folder) { return ::rmdir(folder.c_str()) == 0 || errno == ENOENT; }

}  // namespace

std::vector<fs::path> cgroup_trees(const fs::path& mounted_at) {
  if (is_version_two(mounted_at)) return {mounted_at};
  std::vector<fs::path> trees;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(mounted_at, ignored)) {
    // Names of two controllers are often links to one tree.
    if (entry.is_directory(ignored) && !entry.is_symlink(ignored) && fs::exists(entry.path() / "cgroup.procs", ignored)) trees.push_back(entry.path());
  }
  std::sort(trees.begin(), trees.end());
  return trees;
}

uint64_t field_of(std::string_view text, std::string_view name) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ' ') return number(line.substr(name.size() + 1));
    at = end + 1;
  }
  return 0;
}

Cgroup Cgroup::open(const std::vector<fs::path>& trees, const std::string& name) {
  Cgroup group;
  for (const fs::path& tree : trees) {
    std::error_code ignored;
    if (fs::is_directory(tree / name, ignored)) group.folders_.push_back(tree / name);
  }
  const auto& folders = group.folders_;
  group.freeze_ = open_first(folders, {"freezer.state"}, O_RDWR);
  if (!group.freeze_) {
    group.freeze_ = open_first(folders, {"cgroup.freeze"}, O_RDWR);
    group.frozen_ = open_first(folders, {"cgroup.events"});
    group.version_two_freezer_ = static_cast<bool>(group.freeze_);
  }
  group.memory_ = open_first(folders, {"memory.current", "memory.usage_in_bytes"});
  group.memory_peak_ = open_first(folders, {"memory.peak", "memory.max_usage_in_bytes"});
  group.oom_ = open_first(folders, {"memory.events", "memory.oom_control"});
  group.pids_ = open_first(folders, {"pids.events"});
  group.cpu_ = open_first(folders, {"cpuacct.usage"});
  if (!group.cpu_) {
    group.cpu_ = open_first(folders, {"cpu.stat"});
    group.cpu_version_two_ = true;
  }
  return group;
}

uint64_t Cgroup::memory_bytes() const { return number(read_at(memory_)); }
uint64_t Cgroup::memory_peak_bytes() const { return number(read_at(memory_peak_)); }
uint64_t Cgroup::oom_kills() const { return field_of(read_at(oom_), "oom_kill"); }
uint64_t Cgroup::pids_refused() const { return field_of(read_at(pids_), "max"); }

nanoseconds Cgroup::cpu() const {
  if (!cpu_version_two_) return nanoseconds(number(read_at(cpu_)));
  return microseconds(field_of(read_at(cpu_), "usage_usec"));
}

void Cgroup::forbid_swap() const {
  for (const fs::path& folder : folders_) {
    write_file(folder / "memory.swap.max", "0");
    std::ifstream limit(folder / "memory.limit_in_bytes");
    if (std::string bytes; limit >> bytes && !write_file(folder / "memory.memsw.limit_in_bytes", bytes)) write_file(folder / "memory.swappiness", "0");
  }
}

Status Cgroup::freeze(milliseconds patience) const {
  if (!write_text(freeze_.get(), version_two_freezer_ ? "1" : kFrozenV1)) return fail(errno_error("the container cannot be frozen", errno));
  const bool frozen =
      wait_until(patience, [this] { return version_two_freezer_ ? field_of(read_at(frozen_), "frozen") == 1 : read_at(freeze_).starts_with(kFrozenV1); });
  if (frozen) return {};
  (void)thaw();
  return fail(ErrorKind::kTimeout, fmt::format("the container did not stand still within {} ms", patience.count()));
}

Status Cgroup::thaw() const {
  if (freeze_ && !write_text(freeze_.get(), version_two_freezer_ ? "0" : kThawedV1)) return fail(errno_error("the container cannot be thawed", errno));
  return {};
}

Status Cgroup::end(milliseconds patience) const {
  std::vector<fs::path> left = folders_;
  bool forbidden = false;  // a sealed worker removes nothing: ebb-container-end does
  const bool gone = wait_until(patience, [&] {
    for (const fs::path& folder : left) {
      if (is_version_two(folder)) write_file(folder / "cgroup.kill", "1");
      kill_processes(folder);
    }
    (void)thaw();  // after the signals are pending: nothing of it runs another instruction
    std::erase_if(left, remove_folder);
    forbidden = !left.empty() && errno == EPERM;
    return left.empty() || forbidden;
  });
  if (forbidden) return fail(ErrorKind::kIo, fmt::format("{} may not be removed by this process", left.front().string()));
  if (gone) return {};
  return fail(ErrorKind::kTimeout, fmt::format("{} cannot be removed within {} ms: something in it does not end", left.front().string(), patience.count()));
}

}  // namespace ebb::container
