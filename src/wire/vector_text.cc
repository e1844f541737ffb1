// Numbers by the standard library.
#include "wire/vector_text.h"

#include <bit>
#include <charconv>

#include "wire/base64.h"

namespace ebb::wire {

static_assert(std::endian::native == std::endian::little, "the bytes of a float go out as they lie in memory");

void append_array(std::string& out, std::span<const float> values) {
  char separator = '[';
  for (const float value : values) {
    char digits[24];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
    out += separator;
    out.append(digits, end);
    separator = ',';
  }
  out += ']';
}

void append_base64(std::string& out, std::span<const float> values) {
  out += encode_base64({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

}  // namespace ebb::wire
