// One byte in, one out.
#include "registry/plain_text.h"

namespace ebb::registry {

namespace {
constexpr size_t kTitleBytesMax = 200;
}

std::string plain_text(std::string_view raw, size_t bytes_max) {
  std::string text;
  for (const char c : raw.substr(0, bytes_max))
    text += c >= 0x20 && c < 0x7f ? c : '?';
  return text;
}

std::string plain_title(std::string_view raw) { return plain_text(raw, kTitleBytesMax); }

}  // namespace ebb::registry
