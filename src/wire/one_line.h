// JSON as one line for every reader. Pure.
#pragma once

#include <string>
#include <string_view>

namespace ebb::wire {

// Many clients cut a stream into lines as Unicode has them, where only LF was meant: U+0085, U+2028 and U+2029 are escaped. `json` is serialised JSON,
// in which they stand in strings only.
void append_one_line(std::string& out, std::string_view json);

}  // namespace ebb::wire
