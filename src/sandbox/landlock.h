// Landlock: no path of the file system can be opened any more, and where the kernel knows them, no port and no signal either.
#pragma once

#include <span>
#include <string>

namespace ebb::sandbox {

struct Landlock {
  bool active = false;
  std::string detail;
};

// For this process and all that come from it, for good. Needs no_new_privs.
Landlock forbid_files();
// The same, but these may be read, folders with what is below, and TCP may connect. What is not there is passed over.
Landlock allow_reading(std::span<const char* const> places);

}  // namespace ebb::sandbox
