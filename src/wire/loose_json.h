// JSON as Python writes it: with the bare words NaN, Infinity and -Infinity, which JSON does not have. Pure.
#pragma once

#include <string_view>

#include "base/json.h"

namespace ebb::wire {

// As parse_json; the words come as the strings "NaN", "Infinity" and "-Infinity", which is also how others write them into JSON. A text without them is
// read as fast as by parse_json. Errors are those of parse_json for the text as it came.
Result<json::value> parse_loose_json(std::string_view text);

}  // namespace ebb::wire
