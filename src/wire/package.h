// A model in ONNX with all that it needs, as one file: a POSIX ustar archive (IEEE Std 1003.1, pax, "ustar Interchange Format") of plain files,
// not compressed, so that each file lies in it as it is and can be mapped.
//
//   manifest.json    what the model is for (wire/manifest.h)
//   model.onnx
//   …                other files in the order of their names: external data under the names that the model uses, a vocabulary, labels
//
// Every header is the one that entry_header() writes: mode 0444, owner 0, time 0, no other kind than a plain file. So the same files give the same
// bytes, and there is one way to read them. Data begins at a multiple of kPackageBlockBytes. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ebb::wire {

inline constexpr uint64_t kPackageBlockBytes = 512;
inline constexpr std::string_view kManifestEntry = "manifest.json";
inline constexpr std::string_view kModelEntry = "model.onnx";

struct Package {
  // Views into what was read.
  std::map<std::string, std::span<const char>, std::less<>> entries;
  // nullptr: there is none of this name.
  const std::span<const char>* find(std::string_view name) const;
};

// Strict: kPackageEntriesMax entries, each name once and clean, the order as above, the two first entries there, headers as entry_header() writes them,
// padding of zeros, two blocks of zeros at the end and nothing behind them. Error: kInvalid, param "source", with the byte at fault.
Result<Package> read_package(std::span<const char> bytes);

// Relative and plain: parts of [A-Za-z0-9._-] between single '/', none of them "." or "..", at most kPackageNameBytesMax bytes.
bool is_package_name(std::string_view name);

// The header block of an entry. `name` must be clean and `bytes` below 8 GiB, the format's own bound.
std::string entry_header(std::string_view name, uint64_t bytes);
inline constexpr uint64_t kPackageEntryBytesMax = (8ULL << 30U) - 1;
// Zeros that follow `bytes` bytes of data.
std::string entry_padding(uint64_t bytes);
// What ends the archive.
std::string package_end();

}  // namespace ebb::wire
