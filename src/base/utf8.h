// What is UTF-8 and what is not, by Unicode's table 3-7: no surrogates, no overlong forms, nothing past U+10FFFF.
#pragma once

#include <string>
#include <string_view>

namespace ebb {

bool is_utf8(std::string_view text);
// The length of the character at the start of `text` (not empty), or 0 if there is none.
size_t character_bytes(std::string_view text);
// How many bytes at the end of `text` are an unfinished but so far valid character: 0 to 3.
size_t unfinished_utf8(std::string_view text);
// The text with every byte that is not part of valid UTF-8 replaced by U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

}  // namespace ebb
