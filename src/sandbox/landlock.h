// Landlock: no path of the file system can be opened any more, and where the kernel knows them, no port and no signal either.
#pragma once

#include <string>

namespace ebb::sandbox {

struct Landlock {
  bool active = false;
  std::string detail;
};

// For this process and all that come from it, for good. Needs no_new_privs.
Landlock forbid_files();

}  // namespace ebb::sandbox
