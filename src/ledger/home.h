// The server's home folder, held by one server at a time.
#pragma once

#include <filesystem>

#include "base/fd.h"
#include "base/result.h"

namespace ebb::ledger {

struct Home {
  std::filesystem::path path;
  Fd lock;  // held as long as this lives; the kernel gives it back when the process ends, however it ends
};

// Makes the folder (0700, and those above it) if it is missing, and locks it. Errors: kIo (not a folder, read-only, no rights), kExists
// (another server, with its process id), kExhausted (no space).
Result<Home> open_home(const std::filesystem::path& path);

}  // namespace ebb::ledger
