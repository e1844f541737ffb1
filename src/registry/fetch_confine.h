// Takes from the fetcher's process what it does not need, before it reads the first byte from a stranger. Called once, with one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace ebb::registry {

struct FetchRights {
  int store = -1;        // directory below which files are made, read, renamed and removed; nothing else can be written
  int source = -1;       // directory below which files may be read too; -1: none
  bool network = false;  // sockets, and the system's files for names and certificates
  uint64_t file_bytes_max = 0;
};

// The names of the layers that this kernel lacks; empty when all hold. Error: a layer that is there refused to work.
Result<std::vector<std::string>> confine_fetcher(const FetchRights& rights);

}  // namespace ebb::registry
