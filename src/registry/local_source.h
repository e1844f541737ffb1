// Opens a model file of this machine that a person named by its path.
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace ebb::registry {

struct LocalSource {
  Fd file;
  uint64_t bytes = 0;
};

// Only regular files that are not empty. A symbolic link at the end of the path is refused with the path that it stands for: what is
// published must be what was named. Devices and FIFOs are never opened. All errors have param "source".
Result<LocalSource> open_local_source(const std::string& path);

}  // namespace ebb::registry
