// An archive of model files as people make them with tar: read less strictly than a package (any owner, mode and time; folders; "./" and one common
// folder before all names), and packed again from what it holds. Links, devices and what stands outside are refused, so there is nothing to escape by.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "base/result.h"

namespace ebb::registry {

struct ArchiveEntry {
  uint64_t at = 0;  // of its data
  uint64_t bytes = 0;
};

// Headers of all kinds in one archive.
inline constexpr size_t kArchiveHeadersMax = 1'024;

bool looks_like_archive(std::span<const uint8_t> head);

// The plain files of a ustar, pax or GNU archive by their names. `fd`: an open regular file of `bytes` bytes. Error: kInvalid, param "source", with
// the byte at fault.
Result<std::map<std::string, ArchiveEntry, std::less<>>> read_archive(int fd, uint64_t bytes);

}  // namespace ebb::registry
