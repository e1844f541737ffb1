// Characters by their first byte; what may follow it is in Lead.
#include "base/utf8.h"

#include <algorithm>

namespace ebb {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// What the first byte of a character allows: its length, and the range of the second byte (which rules out surrogates, overlong
// forms and code points past U+10FFFF). Length 0: no character begins so.
struct Lead {
  size_t length = 0;
  unsigned char second_min = 0x80;
  unsigned char second_max = 0xBF;
};

Lead read_lead(unsigned char byte) {
  if (byte < 0x80) return {.length = 1};
  if (byte >= 0xC2 && byte <= 0xDF) return {.length = 2};
  if (byte == 0xE0) return {.length = 3, .second_min = 0xA0};
  if (byte == 0xED) return {.length = 3, .second_max = 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {.length = 3};
  if (byte == 0xF0) return {.length = 4, .second_min = 0x90};
  if (byte >= 0xF1 && byte <= 0xF3) return {.length = 4};
  if (byte == 0xF4) return {.length = 4, .second_max = 0x8F};
  return {};
}

// How many bytes from the start of `text` (not empty) belong together validly; `whole` says whether they are a character.
struct Character {
  size_t bytes = 0;
  bool whole = false;
};

Character read_character(std::string_view text) {
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
  const Lead lead = read_lead(byte(0));
  if (lead.length == 0) return {};
  size_t have = 1;
  while (have < lead.length && have < text.size()) {
    const unsigned char low = have == 1 ? lead.second_min : 0x80;
    const unsigned char high = have == 1 ? lead.second_max : 0xBF;
    if (byte(have) < low || byte(have) > high) return {.bytes = have, .whole = false};
    ++have;
  }
  return {.bytes = have, .whole = have == lead.length};
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const Character next = read_character(text);
    if (!next.whole) return false;
    text.remove_prefix(next.bytes);
  }
  return true;
}

size_t character_bytes(std::string_view text) {
  const Character first = read_character(text);
  return first.whole ? first.bytes : 0;
}

size_t unfinished_utf8(std::string_view text) {
  for (size_t length = std::min<size_t>(3, text.size()); length > 0; --length) {
    const Character last = read_character(text.substr(text.size() - length));
    if (last.bytes == length && !last.whole) return length;
  }
  return 0;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const Character next = read_character(text);
    valid.append(next.whole ? text.substr(0, next.bytes) : kReplacement);
    text.remove_prefix(std::max<size_t>(next.bytes, 1));
  }
  return valid;
}

}  // namespace ebb
