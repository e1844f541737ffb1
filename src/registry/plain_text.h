// What a stranger wrote, as it may stand in JSON, in a table, on a terminal and in a log. Pure.
#pragma once

#include <string>
#include <string_view>

namespace ebb::registry {

// Its first `bytes_max` bytes; what is not printable ASCII becomes '?'.
std::string plain_text(std::string_view raw, size_t bytes_max);

// What people named a model: as above, cut to what a table can show.
std::string plain_title(std::string_view raw);

}  // namespace ebb::registry
