// The cgroup of one sandbox, in trees of either version: read, frozen and removed through descriptors and paths that are found once.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"

namespace ebb::container {

// Where cgroups are mounted: each tree of version 1, and that of version 2 by itself or at `unified`.
std::vector<std::filesystem::path> cgroup_trees(const std::filesystem::path& mounted_at = "/sys/fs/cgroup");

// What of a cgroup's files counts, by version. Pure, for tests.
uint64_t field_of(std::string_view text, std::string_view name);  // "name 12\n…"; 0: not there

class Cgroup {
 public:
  Cgroup() = default;
  // Opens what is there of the cgroup with this name in every tree. Nothing: exists() is false and everything is zero.
  static Cgroup open(const std::vector<std::filesystem::path>& trees, const std::string& name);

  bool exists() const { return !folders_.empty(); }
  bool can_freeze() const { return static_cast<bool>(freeze_); }

  uint64_t memory_bytes() const;
  uint64_t memory_peak_bytes() const;
  uint64_t oom_kills() const;
  uint64_t pids_refused() const;
  nanoseconds cpu() const;

  // What the runtimes do differently or not at all: no swap.
  void forbid_swap() const;
  // kTimeout: not all stood still within `patience`; then it is thawed again.
  Status freeze(milliseconds patience) const;
  Status thaw() const;
  // Kills everything in it and removes it. Needs the rights that made it. kTimeout: something would not end.
  Status end(milliseconds patience) const;

 private:
  std::vector<std::filesystem::path> folders_;
  bool version_two_freezer_ = false;
  Fd freeze_;  // freezer.state, or cgroup.freeze
  Fd frozen_;  // of version 2: cgroup.events
  // memory.usage_in_bytes and the like, or memory.current and the like
  Fd memory_, memory_peak_, oom_, pids_, cpu_;
  bool cpu_version_two_ = false;
};

}  // namespace ebb::container
