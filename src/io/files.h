// Small files and folders: whole reads, writes that are there after a crash or not at all, locks, free space.
//
// Blocking: for start, shutdown and threads that may wait, never for a loop under load. Errors name the path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace ebb::io {

// All of a file. Errors: kNotFound, kTooLarge (over `bytes_max`), kIo (also when it is no regular file).
Result<std::string> read_small_file(const std::filesystem::path& file, size_t bytes_max);

// Replaces `file` (mode 0600): readers see the old bytes or the new ones, and after it returns the new ones survive a power cut.
Status write_file_atomic(const std::filesystem::path& file, std::string_view bytes);

// The folder and those above it that are missing, each with mode 0700. One that is there is left as it is.
Status make_folders(const std::filesystem::path& folder);

// Makes what was created, renamed or removed in the folder survive a power cut.
Status sync_folder(const std::filesystem::path& folder);

// Opens or makes the file (mode 0600, no link) and takes its lock, which goes with the descriptor, however the process ends.
// kUnavailable: somebody else has it.
Result<Fd> lock_file(const std::filesystem::path& file);

// What an ordinary user may still write to the file system of `path`.
Result<uint64_t> free_bytes(const std::filesystem::path& path);

}  // namespace ebb::io
