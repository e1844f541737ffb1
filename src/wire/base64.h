// Base64 with the standard alphabet. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ebb::wire {

std::string encode_base64(std::string_view bytes);
// With or without padding at the end; nullopt for any other character.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace ebb::wire
