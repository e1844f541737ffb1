// Reads little-endian values from the head of a GGUF file, never past its bytes. The first failure sticks: every later read gives
// zero, so that callers read what they want and look at ok() before they use or repeat anything.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/result.h"

namespace ebb::registry {

class GgufCursor {
 public:
  // `head` is the file's beginning: all of it, or as much as is looked at (then file_bytes is more).
  GgufCursor(std::span<const uint8_t> head, uint64_t file_bytes) : head_(head), file_bytes_(file_bytes) {}

  // `what` names the thing in the error: "the number of tensors".
  template <class T>
  T number(std::string_view what) {
    static_assert(std::is_arithmetic_v<T> && std::endian::native == std::endian::little);
    T value{};
    if (const uint8_t* bytes = take(sizeof(T), what)) std::memcpy(&value, bytes, sizeof(T));
    return value;
  }
  // A length and that many bytes, at most bytes_max. Borrowed from the head.
  std::string_view string(std::string_view what, uint64_t bytes_max);
  void skip(uint64_t bytes, std::string_view what) { take(bytes, what); }

  bool ok() const { return !error_.has_value(); }
  const Error& error() const { return *error_; }
  // Records what is wrong at byte `at`, unless something was wrong before.
  void refuse(uint64_t at, std::string_view what);

  uint64_t position() const { return position_; }
  uint64_t left() const { return head_.size() - position_; }
  uint64_t file_bytes() const { return file_bytes_; }

 private:
  // The next bytes, or nullptr.
  const uint8_t* take(uint64_t bytes, std::string_view what);

  std::span<const uint8_t> head_;
  uint64_t file_bytes_;
  uint64_t position_ = 0;
  std::optional<Error> error_;
};

// Text from a hostile file as it may stand in a message: printable ASCII, shortened.
std::string quoted(std::string_view text);

}  // namespace ebb::registry
