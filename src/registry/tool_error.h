// What skopeo and umoci mean by what they say. Pure.
#pragma once

#include <string_view>

#include "base/result.h"

namespace ebb::registry {

// The sentence in the last line of a tool's standard error, without its time stamps and prefixes; bounded and printable.
std::string last_words(std::string_view said);

// Of a copy from `from` ("the registry HOST", "the archive"). `registry` is its host, or empty.
Error copy_error(std::string_view said, std::string_view from, std::string_view registry);
Error unpack_error(std::string_view said);

}  // namespace ebb::registry
