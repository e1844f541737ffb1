// Our own strict reader of GGUF headers (versions 2 and 3, little endian): a file passes before it is published, or is refused with
// what is wrong and at which byte. The engine parses the file again, inside its worker.
//
// Held: every count and length within its cap and within the file; no nested arrays, no doubled key or tensor; dimensions whose
// product is representable; known tensor types; tensor data laid out one after the other, aligned, and inside the file; the
// vocabulary's arrays of one length. Not looked at: the weights themselves.
//
// All errors are kInvalid with param "source". Memory used is proportional to the number of keys and tensors, both capped.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "domain/model.h"

namespace ebb::registry {

// A vocabulary of 262 k tokens with merges takes about 16 MB; a million would fit.
inline constexpr uint64_t kGgufHeaderBytesMax = 256ULL << 20U;
// Published models have up to a hundred keys and about 2,000 tensors.
inline constexpr uint64_t kGgufKeysMax = 4096;
inline constexpr uint64_t kGgufTensorsMax = 65'536;
inline constexpr uint64_t kGgufKeyBytesMax = 256;
inline constexpr uint64_t kGgufStringBytesMax = 4ULL << 20U;  // a chat template is about 20 KB
inline constexpr uint64_t kGgufArrayElementsMax = 16ULL << 20U;
inline constexpr uint64_t kGgufTensorNameBytesMax = 63;  // the engine's own limit
inline constexpr uint32_t kGgufDimensionsMax = 4;
inline constexpr uint64_t kGgufAlignmentMax = 64 * 1024;

// Pure. `head` is the file's first min(file_bytes, kGgufHeaderBytesMax) bytes.
Result<domain::ModelFacts> read_gguf(std::span<const uint8_t> head, uint64_t file_bytes);

// The same over an open regular file, by a read-only mapping: nobody else may be truncating it.
Result<domain::ModelFacts> read_gguf_file(int fd);

}  // namespace ebb::registry
