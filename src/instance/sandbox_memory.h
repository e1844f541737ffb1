// What a function's sandbox holds of the machine's memory: by its cgroup, or where there is none by its processes.
//
// Counted is what only its own end gives back: its processes' memory, /tmp and /dev/shm, what the kernel keeps for it, and swap. Not counted is the
// page cache of files. That can be dropped at any time; and a mounted model is one copy for all instances, charged to whichever read it first, so that
// it would be counted for one that shares it, and be nobody's when that one ends.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace ebb::instance {

// Of a cgroup of either version, by the bytes that it uses and has swapped and its memory.stat. Pure.
uint64_t held_bytes(uint64_t used, uint64_t swapped, std::string_view stat);

// nullopt: there is no such cgroup.
std::optional<uint64_t> cgroup_bytes(const std::string& container, const std::filesystem::path& mounted_at = "/sys/fs/cgroup");

// Where no cgroup holds them: the proportional shares of all processes of each sandbox, by its id. Those of which we may not see every process are not
// there. Looks through /proc.
std::map<std::string, uint64_t> bytes_of_processes();

}  // namespace ebb::instance
