// Numbers by the standard library, base64 by Boost's iterators.
#include "wire/vector_text.h"

#include <bit>
#include <boost/archive/iterators/base64_from_binary.hpp>
#include <boost/archive/iterators/transform_width.hpp>
#include <charconv>

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
  using Sextets = boost::archive::iterators::base64_from_binary<boost::archive::iterators::transform_width<const char*, 6, 8>>;
  std::string bytes(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  const size_t padding = (3 - bytes.size() % 3) % 3;
  bytes.append(padding, '\0');
  out.append(Sextets(bytes.data()), Sextets(bytes.data() + bytes.size()));
  out.replace(out.size() - padding, padding, padding, '=');
}

}  // namespace ebb::wire
