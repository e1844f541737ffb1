// Hexadecimal forms of ids.
#include "base/ids.h"

#include <fmt/format.h>

#include <charconv>

namespace ebb {

std::string to_hex(uint64_t value) { return fmt::format("{:016x}", value); }

uint64_t from_hex(const std::string& digits) {
  uint64_t value = 0;
  if (digits.size() != 16) return 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return error == std::errc{} && end == digits.data() + digits.size() ? value : 0;
}

}  // namespace ebb
