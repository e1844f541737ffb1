// Boost's iterators pack and unpack sextets.
#include "wire/base64.h"

#include <algorithm>
#include <boost/archive/iterators/base64_from_binary.hpp>
#include <boost/archive/iterators/binary_from_base64.hpp>
#include <boost/archive/iterators/transform_width.hpp>

namespace ebb::wire {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string encode_base64(std::string_view bytes) {
  using Sextets = boost::archive::iterators::base64_from_binary<boost::archive::iterators::transform_width<const char*, 6, 8>>;
  std::string whole(bytes);
  const size_t padding = (3 - whole.size() % 3) % 3;
  whole.append(padding, '\0');
  std::string out(Sextets(whole.data()), Sextets(whole.data() + whole.size()));
  out.replace(out.size() - padding, padding, padding, '=');
  return out;
}

std::optional<std::string> decode_base64(std::string_view text) {
  using Octets = boost::archive::iterators::transform_width<boost::archive::iterators::binary_from_base64<const char*>, 8, 6>;
  if (text.size() % 4 == 0) {
    for (int i = 0; i < 2 && text.ends_with('='); ++i)
      text.remove_suffix(1);
  }
  if (text.size() % 4 == 1 || text.find_first_not_of(kAlphabet) != std::string_view::npos) return std::nullopt;
  std::string whole(text);
  const size_t bytes = whole.size() * 6 / 8;
  whole.append((4 - whole.size() % 4) % 4, 'A');
  std::string out(Octets(whole.data()), Octets(whole.data() + whole.size()));
  out.resize(bytes);
  return out;
}

}  // namespace ebb::wire
