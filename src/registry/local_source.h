// Opens a model file or folder of this machine that a person named by its path.
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace ebb::registry {

struct LocalSource {
  Fd file;  // empty: a folder was named
  uint64_t bytes = 0;
  Fd folder;         // that was named, or in which the file stands: what a model names beside itself is opened beneath it
  std::string name;  // of the file in it
};

// Only regular files that are not empty, and folders. A symbolic link at the end of the path is refused with the path that it stands for: what is
// published must be what was named. Devices and FIFOs are never opened. All errors have param "source".
Result<LocalSource> open_local_source(const std::string& path);

}  // namespace ebb::registry
