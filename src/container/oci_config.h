// The runtime's config.json for one sandbox, as a pure function.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace ebb::container {

struct IdRange {
  uint32_t inside = 0;
  uint32_t outside = 0;
  uint32_t size = 1;
};

// Places as the runtime sees them: in the mount namespace that stage.h makes.
struct OciInput {
  std::string root;
  std::vector<std::string> args;  // process 1
  uint32_t uid = 0, gid = 0;
  std::vector<uint32_t> groups;
  std::vector<IdRange> uids, gids;
  std::string hostname;
  struct Bind {
    std::string source;
    std::string destination;
  };
  std::vector<Bind> binds;
  uint64_t tmp_bytes = 0;
  uint64_t shared_memory_bytes = 0;
  std::string cgroup;  // path below each tree; empty: no cgroup, and none of the limits of the next three
  uint64_t memory_bytes = 0;
  int pids_max = 0;
  int cpu_millis = 0;               // 0: unlimited
  uint64_t descriptors_max = 1024;  // at most what the caller itself may have
};

json::object oci_config(const OciInput& input);

// The list of system calls, as the "seccomp" member of the runtime's specification; part of oci_config().
json::object oci_seccomp();

}  // namespace ebb::container
