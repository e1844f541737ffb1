// All of some bytes to a descriptor, which may take fewer at once, or be interrupted.
#pragma once

#include <cstdint>
#include <string_view>

namespace ebb::io {

// 0, or errno of what went wrong; then some of it may be written.
[[nodiscard]] int write_whole(int to, std::string_view bytes);
[[nodiscard]] int write_whole_at(int to, std::string_view bytes, uint64_t offset);

}  // namespace ebb::io
