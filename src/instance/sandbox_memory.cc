// Files of cgroups and of /proc.
#include "instance/sandbox_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/fd.h"
#include "instance/kernel_files.h"
#include "instance/memory.h"

namespace ebb::instance {

namespace {

namespace fs = std::filesystem;

// How container/stage.cc starts the first process of a sandbox without a cgroup: its id is the last argument.
constexpr std::string_view kInit("/.ebb/init\0", 11);

// The id of the sandbox whose first process this is. Nothing inside can have made itself that: it would have to be first of a process namespace.
std::optional<std::string> sandbox_of_init(const fs::path& process) {
  const std::string command = kernel_text(process / "cmdline");
  if (!command.starts_with(kInit) || command.back() != '\0') return std::nullopt;
  const std::string status = kernel_text(process / "status");
  const size_t numbers = status.find("\nNSpid:");
  if (numbers == std::string::npos || !std::string_view(status).substr(0, status.find('\n', numbers + 1)).ends_with("\t1")) return std::nullopt;
  const std::string id(std::string_view(command).substr(0, command.size() - 1));
  return id.substr(id.rfind('\0') + 1);
}

// nullopt: we may not. Zero: it has ended.
std::optional<uint64_t> share_of(const fs::path& process) {
  const Fd rollup(::open((process / "smaps_rollup").c_str(), O_RDONLY | O_CLOEXEC));
  if (!rollup) return errno == EACCES || errno == EPERM ? std::nullopt : std::optional<uint64_t>(0);
  char text[2048];
  const ssize_t count = ::read(rollup.get(), text, sizeof text);
  return process_bytes({text, count > 0 ? static_cast<size_t>(count) : 0});
}

struct Processes {
  std::map<std::string, std::optional<uint64_t>> bytes;  // by process namespace; nullopt: not all of them
  std::map<std::string, std::string> namespace_of;       // by sandbox
};

Processes look_at_processes() {
  Processes seen;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    if (name.empty() || name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string processes = fs::read_symlink(entry.path() / "ns/pid", ignored);
    if (processes.empty()) continue;  // gone, or nothing that we may look into
    std::optional<uint64_t>& sum = seen.bytes.try_emplace(processes, 0).first->second;
    const std::optional<uint64_t> share = share_of(entry.path());
    sum = sum && share ? std::optional(*sum + *share) : std::nullopt;
    if (const std::optional<std::string> sandbox = sandbox_of_init(entry.path())) seen.namespace_of.emplace(*sandbox, processes);
  }
  return seen;
}

}  // namespace

uint64_t held_bytes(uint64_t used, uint64_t swapped, std::string_view stat) {
  // Version 1 has two numbers for each name: of the group itself, and of it with those below.
  const bool version_one = stat.find("total_active_file ") != std::string_view::npos;
  const std::string_view prefix = version_one ? "total_" : "";
  uint64_t files = stat_field(stat, "slab_reclaimable");
  for (const char* list : {"active_file", "inactive_file"})
    files += stat_field(stat, fmt::format("{}{}", prefix, list));
  return (used > files ? used - files : 0) + (version_one ? stat_field(stat, "total_swap") : swapped);
}

std::optional<uint64_t> cgroup_bytes(const std::string& container, const fs::path& mounted_at) {
  for (const auto& [folder, usage] :
       {std::pair(mounted_at / container, "memory.current"), std::pair(mounted_at / "memory" / container, "memory.usage_in_bytes")}) {
    const std::optional<uint64_t> used = kernel_number(folder / usage);
    if (used) return held_bytes(*used, kernel_number(folder / "memory.swap.current").value_or(0), kernel_text(folder / "memory.stat"));
  }
  return std::nullopt;
}

std::map<std::string, uint64_t> bytes_of_processes() {
  const Processes seen = look_at_processes();
  std::map<std::string, uint64_t> all;
  for (const auto& [sandbox, processes] : seen.namespace_of) {
    if (const auto& bytes = seen.bytes.at(processes)) all.emplace(sandbox, *bytes);
  }
  return all;
}

}  // namespace ebb::instance
