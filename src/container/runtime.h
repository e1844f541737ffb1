// Which container runtime this machine has, and what it can hold here.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace ebb::container {

enum class CgroupKind {
  kNone,  // no rights to make any
  kV1,    // also a hybrid machine, whose controllers are those of version 1
  kV2
};

struct Runtime {
  enum class Tool { kCrun, kRunc } tool = Tool::kCrun;
  std::string program;       // absolute path
  std::string version;       // "crun 1.8.1"
  std::string init_program;  // absolute path of ebb-init
  CgroupKind cgroups = CgroupKind::kNone;
  bool hybrid = false;               // a version 2 tree beside those of version 1
  bool root = false;                 // runs as root; else as an ordinary user
  bool idmapped_mounts = false;      // owners inside are those of the image
  std::vector<std::string> missing;  // what does not hold here, a clause each

  // For `ebb status`: "crun 1.8.1, cgroup v1 (hybrid), as root; nothing is missing".
  std::string text() const;
};

// Inside, an ordinary user is one user of the image; runc knows root alone.
inline bool function_is_root_inside(const Runtime& runtime) { return !runtime.root && runtime.tool == Runtime::Tool::kRunc; }

// Starts a program or two: about 10 ms. `images`: a folder of the file system that images and models lie on. For a process with one thread.
// kUnavailable: there is no runtime, or no user namespaces, and what to do about it.
Result<Runtime> detect_runtime(const std::string& images = "/");

}  // namespace ebb::container
