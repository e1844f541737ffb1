// Measured memory: of processes, and of the node.
//
// Reading a process's smaps walks its page tables (milliseconds for a large model), so measure() belongs on a thread beside the loop.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"

namespace ebb::instance {

struct MemoryReadings {
  uint64_t node_available_bytes = 0;                     // MemAvailable, or what our memory cgroup leaves, whichever is less
  std::vector<std::pair<WorkerId, uint64_t>> pss_bytes;  // of those processes that could be read; with what their containers hold
  uint64_t huge_page_bytes = 0;                          // that the processes map in pages of 2 MiB; what two of them map counts twice
  std::vector<WorkerId> unseen;                          // whose containers could not be: there are none yet, or we may not
};

// `containers`: the ids of those of these workers that have one; what is in it counts as the worker's (sandbox_memory.h).
MemoryReadings measure(const std::vector<std::pair<WorkerId, int>>& processes, const std::map<WorkerId, std::string>& containers = {});

// MemAvailable, or what our memory cgroup leaves, whichever is less. Takes tens of microseconds.
uint64_t node_available_bytes();

// The node's memory: the machine's, or the limit of our memory cgroup if it is lower.
uint64_t node_memory_bytes();

// What a process holds, by its smaps_rollup: its proportional share, without what it gave back and the kernel has not needed yet (MADV_FREE). Pure.
uint64_t process_bytes(std::string_view smaps_rollup);

// What it maps in huge pages, of memory and of files, shared or not. Pure.
uint64_t huge_page_bytes(std::string_view smaps_rollup);

// The number before "kB" of the line that starts with `key`, in bytes; 0 if there is none. Pure; for /proc's files.
uint64_t read_kilobytes(std::string_view text, std::string_view key);

// The number of the line "name 12" of a cgroup's memory.stat; 0 if there is none. Pure.
uint64_t stat_field(std::string_view stat, std::string_view name);

}  // namespace ebb::instance
