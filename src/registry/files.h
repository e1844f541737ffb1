// System calls on files below a directory descriptor, as Results.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "domain/model.h"

namespace ebb::registry {

// Opens `path` below `directory`: no link anywhere in it, no way out of the directory. Close-on-exec.
Result<Fd> open_beneath(int directory, const std::string& path, int flags, unsigned mode = 0);
// The folder of a store, made (mode 0700) if it is missing. `what` for errors: "model store".
Result<Fd> open_store_directory(const std::string& directory, const std::string& what);
// A subdirectory (mode 0700), made if it is missing.
Result<Fd> open_or_make_directory(int parent, const std::string& name);
// Names in a directory, without "." and "..", at most `max` of them.
Result<std::vector<std::string>> names_in(int directory, size_t max);
// Those of them that are digests in the way that we write them.
Result<std::vector<domain::Digest>> digests_in(int directory, size_t max);
Result<struct stat> look_at(int fd);
Status sync(int fd, const char* what);
// True if this process has the exclusive lock now; it goes with the descriptor.
bool try_lock(int fd);
// All of a small file, at most `max` bytes.
Result<std::string> read_small(int fd, size_t max);

}  // namespace ebb::registry
