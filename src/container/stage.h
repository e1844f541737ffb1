// The stage: a mount namespace in which the runtime finds all that one sandbox is made of, and which is gone once the runtime has ended.
//
// Nothing of a sandbox lies in the host's file system: no bundle, no state of the runtime, no mount. A tmpfs over /tmp of the stage holds the
// runtime's files and a *skeleton* of the container's root: a real folder for every place where something is mounted. The root is an overlay of
// the skeleton above the image, so the image is never written to, and no link in it can lead a mount astray.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "container/oci_config.h"
#include "container/runtime.h"

namespace ebb::container {

struct StageMount {
  std::string source;       // of the host
  std::string destination;  // inside
};

// What ebb-init sets where there is no cgroup. Not by the configuration: a runtime would have to fit into it.
struct LimitsWithoutCgroup {
  uint64_t process_bytes_max = 0;  // of each process
  int processes_max = 0;           // of the user, as the container's user namespace counts them; 0: there is a cgroup
};

struct StageInput {
  const Runtime* runtime = nullptr;
  std::string id;
  std::string root;
  std::string hostname;
  uint32_t host_id_base = 0;
  uint32_t uid = 0, gid = 0;
  std::vector<StageMount> mounts;
  LimitsWithoutCgroup without_cgroup;
  OciInput config;  // without root and binds: they are the stage's
};

// For a child that was just forked from a process with one thread: makes the stage and becomes the runtime, which makes the sandbox and ends.
// What fails is a line on standard error, and exit kStageFailed; kSourceMissing where the image or the source of a mount is not there.
inline constexpr int kStageFailed = 125;
inline constexpr int kSourceMissing = 124;
[[noreturn]] void become_runtime(const StageInput& input);

// Whether owners can be mapped by us and on the file system of this folder.
bool can_map_owners(const std::string& folder);

}  // namespace ebb::container
