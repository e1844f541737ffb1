// SHA-256 of a text, in 64 hex digits (OpenSSL).
#pragma once

#include <string>
#include <string_view>

namespace ebb::store {

std::string sha256_hex(std::string_view text);

}  // namespace ebb::store
