// /proc and the memory cgroup (v1 or v2, as seen in our own cgroup namespace).
#include "instance/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

#include "instance/kernel_files.h"
#include "instance/sandbox_memory.h"

namespace ebb::instance {

namespace {

// Our own group's directory and file names; nullopt where no memory controller limits us.
struct CgroupMemory {
  uint64_t limit = std::numeric_limits<uint64_t>::max();
  uint64_t used = 0;
};

std::string own_group(std::string_view controller_field) {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    if (std::string_view(line).substr(first + 1, second - first - 1) == controller_field) return line.substr(second + 1);
  }
  return "/";
}

std::optional<CgroupMemory> cgroup_memory() {
  // What the kernel would drop first is not used: old pages of files, and those that a process gave back without need.
  const auto used = [](const std::string& group, const char* file, std::string_view dropped) {
    const uint64_t all = kernel_number(group + file).value_or(0);
    return all - std::min(all, stat_field(kernel_text(group + "/memory.stat"), dropped));
  };
  const std::string v2 = "/sys/fs/cgroup" + own_group("");
  if (const auto limit = kernel_number(v2 + "/memory.max")) return CgroupMemory{.limit = *limit, .used = used(v2, "/memory.current", "inactive_file")};
  const std::string v1 = "/sys/fs/cgroup/memory" + own_group("memory");
  if (const auto limit = kernel_number(v1 + "/memory.limit_in_bytes"))
    return CgroupMemory{.limit = *limit, .used = used(v1, "/memory.usage_in_bytes", "total_inactive_file")};
  return std::nullopt;
}

}  // namespace

uint64_t read_kilobytes(std::string_view text, std::string_view key) {
  for (size_t line = 0; line < text.size();) {
    const size_t end = std::min(text.find('\n', line), text.size());
    std::string_view content = text.substr(line, end - line);
    line = end + 1;
    if (!content.starts_with(key)) continue;
    content.remove_prefix(key.size());
    content.remove_prefix(std::min(content.find_first_of("0123456789"), content.size()));
    uint64_t kilobytes = 0;
    std::from_chars(content.data(), content.data() + content.size(), kilobytes);
    return kilobytes * 1024;
  }
  return 0;
}

uint64_t stat_field(std::string_view stat, std::string_view name) {
  for (size_t at = 0; at < stat.size();) {
    const size_t end = std::min(stat.find('\n', at), stat.size());
    const std::string_view line = stat.substr(at, end - at);
    at = end + 1;
    if (line.size() <= name.size() || !line.starts_with(name) || line[name.size()] != ' ') continue;
    uint64_t value = 0;
    std::from_chars(line.data() + name.size() + 1, line.data() + line.size(), value);
    return value;
  }
  return 0;
}

uint64_t process_bytes(std::string_view smaps_rollup) {
  const uint64_t share = read_kilobytes(smaps_rollup, "Pss:");
  return share - std::min(share, read_kilobytes(smaps_rollup, "LazyFree:"));
}

uint64_t huge_page_bytes(std::string_view smaps_rollup) {
  uint64_t bytes = 0;
  for (const std::string_view kind : {"AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:"})
    bytes += read_kilobytes(smaps_rollup, kind);
  return bytes;
}

uint64_t node_memory_bytes() {
  const uint64_t machine = read_kilobytes(kernel_text("/proc/meminfo"), "MemTotal:");
  const auto group = cgroup_memory();
  return group ? std::min(machine, group->limit) : machine;
}

uint64_t node_available_bytes() {
  const uint64_t machine = read_kilobytes(kernel_text("/proc/meminfo"), "MemAvailable:");
  const auto group = cgroup_memory();
  if (!group || group->limit == std::numeric_limits<uint64_t>::max()) return machine;
  return std::min(machine, group->limit > group->used ? group->limit - group->used : 0);
}

MemoryReadings measure(const std::vector<std::pair<WorkerId, int>>& processes, const std::map<WorkerId, std::string>& containers) {
  MemoryReadings readings{.node_available_bytes = node_available_bytes()};
  std::optional<std::map<std::string, uint64_t>> of_processes;  // looked for once, where there is a container without a cgroup
  const auto held = [&](const std::string& container) -> std::optional<uint64_t> {
    if (const auto bytes = cgroup_bytes(container)) return bytes;
    if (!of_processes) of_processes = bytes_of_processes();
    const auto found = of_processes->find(container);
    return found == of_processes->end() ? std::nullopt : std::optional(found->second);
  };
  for (const auto& [worker, pid] : processes) {
    const std::string rollup = kernel_text(fmt::format("/proc/{}/smaps_rollup", pid));
    const uint64_t bytes = process_bytes(rollup);
    readings.huge_page_bytes += huge_page_bytes(rollup);
    const auto container = containers.find(worker);
    const std::optional<uint64_t> more = container == containers.end() ? 0 : held(container->second);
    if (!more) readings.unseen.push_back(worker);
    if (more && bytes > 0) readings.pss_bytes.emplace_back(worker, bytes + *more);
  }
  return readings;
}

}  // namespace ebb::instance
