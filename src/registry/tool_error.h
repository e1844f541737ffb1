// What skopeo and umoci mean by what they say. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace ebb::registry {

// The sentence in the last line of a tool's standard error, without its time stamps and prefixes, and without `folder`, which means nothing to its
// reader; bounded and printable.
std::string last_words(std::string_view said, std::string_view folder);

struct Copied {
  std::string from;      // "the registry HOST", "the archive"
  std::string registry;  // its host, or empty
  std::string folder;    // of the tool's files
};
Error copy_error(std::string_view said, const Copied& copied);
Error unpack_error(std::string_view said, std::string_view folder);

}  // namespace ebb::registry
