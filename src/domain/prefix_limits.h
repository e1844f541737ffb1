// Bounds of what language models keep of earlier calls beyond their workers; beside limits.h, since few files need them.
#pragma once

#include <cstdint>

namespace ebb::domain {

// What parked sequences of an endpoint knew, in one file: some ten thousand tokens of a small model, two thousand of one with seven billion parameters.
inline constexpr uint64_t kPrefixFileBytesMax = uint64_t{256} << 20U;
// The same of a worker that got no file, in memory that nobody else counts.
inline constexpr uint64_t kPrefixMemoryBytesMax = uint64_t{64} << 20U;
// All files of a home.
inline constexpr uint64_t kPrefixFilesBytesMax = uint64_t{4} << 30U;
// Of the disk, left for others: with less nothing more is kept.
inline constexpr uint64_t kPrefixDiskBytesFree = uint64_t{1} << 30U;

}  // namespace ebb::domain
