// Bounded reads and the words for what stops them.
#include "registry/gguf_cursor.h"

#include <fmt/format.h>

namespace ebb::registry {

std::string quoted(std::string_view text) {
  constexpr size_t kShownMax = 80;
  std::string shown = "'";
  for (const char c : text.substr(0, kShownMax))
    shown += c >= 0x20 && c < 0x7f ? c : '?';
  return shown + (text.size() > kShownMax ? "…'" : "'");
}

void GgufCursor::refuse(uint64_t at, std::string_view what) {
  if (error_) return;
  error_ = Error{.kind = ErrorKind::kInvalid, .message = fmt::format("not a sound GGUF file: {} (at byte {})", what, at), .param = "source"};
}

const uint8_t* GgufCursor::take(uint64_t bytes, std::string_view what) {
  if (error_) return nullptr;
  if (bytes > left()) {
    if (head_.size() < file_bytes_) {
      refuse(position_, fmt::format("{} goes past the {} bytes that a header may have", what, head_.size()));
    } else {
      refuse(position_, fmt::format("the file ends at byte {} within {}, which takes {} bytes", file_bytes_, what, bytes));
    }
    return nullptr;
  }
  const uint8_t* here = head_.data() + position_;
  position_ += bytes;
  return here;
}

std::string_view GgufCursor::string(std::string_view what, uint64_t bytes_max) {
  const uint64_t at = position_;
  const auto bytes = number<uint64_t>(what);
  if (!ok()) return {};
  if (bytes > bytes_max) {
    refuse(at, fmt::format("{} claims {} bytes; at most {} are allowed", what, bytes, bytes_max));
    return {};
  }
  const uint8_t* text = take(bytes, what);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text), static_cast<size_t>(bytes)};
}

}  // namespace ebb::registry
