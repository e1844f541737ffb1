// Numbers with units, read exactly: no floating point, nothing rounded in silence.
#include "wire/quantity.h"

#include <fmt/format.h>

#include <array>
#include <optional>

namespace ebb::wire {

namespace {

struct Unit {
  std::string_view name;
  uint64_t size;
};
constexpr std::array<Unit, 5> kTimes{{{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::array<Unit, 5> kSizes{{{"TiB", 1ULL << 40U}, {"GiB", 1ULL << 30U}, {"MiB", 1ULL << 20U}, {"KiB", 1ULL << 10U}, {"B", 1}}};
constexpr uint64_t kDurationMsMax = 3'650ULL * 86'400'000;  // ten years: far past every range, far below overflow
constexpr uint64_t kSizeBytesMax = 1ULL << 62U;
constexpr size_t kDigitsMax = 15;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes digits from the front of `text`; nullopt if there are none or too many.
std::optional<uint64_t> take_number(std::string_view& text) {
  size_t length = 0;
  uint64_t number = 0;
  while (length < text.size() && is_digit(text[length])) {
    if (length >= kDigitsMax) return std::nullopt;
    number = number * 10 + static_cast<uint64_t>(text[length++] - '0');
  }
  if (length == 0) return std::nullopt;
  text.remove_prefix(length);
  return number;
}

std::string_view take_word(std::string_view& text) {
  size_t length = 0;
  while (length < text.size() && !is_digit(text[length]) && text[length] != '.')
    ++length;
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(length);
  return word;
}

std::unexpected<Error> bad_duration(std::string_view text) {
  return fail(ErrorKind::kInvalid, fmt::format("'{}' is no duration: write a number with ms, s, m, h or d, such as 500ms, 30s or 1m30s", text.substr(0, 40)));
}

std::unexpected<Error> bad_size(std::string_view text) {
  return fail(ErrorKind::kInvalid, fmt::format("'{}' is no size: write a whole number with MiB or GiB, such as 512MiB or 2GiB", text.substr(0, 40)));
}

}  // namespace

Result<milliseconds> parse_duration(std::string_view text) {
  std::string_view rest = text;
  uint64_t total = 0;
  size_t next_unit = 0;  // larger units first, each at most once
  do {
    const auto whole = take_number(rest);
    if (!whole) return bad_duration(text);
    uint64_t fraction = 0;
    uint64_t scale = 1;
    if (rest.starts_with('.')) {
      rest.remove_prefix(1);
      const size_t before = rest.size();
      const auto digits = take_number(rest);
      if (!digits || before - rest.size() > 3) return bad_duration(text);
      fraction = *digits;
      for (size_t i = rest.size(); i < before; ++i)
        scale *= 10;
    }
    const std::string_view word = take_word(rest);
    size_t unit = next_unit;
    while (unit < kTimes.size() && kTimes[unit].name != word)
      ++unit;
    if (unit == kTimes.size() || *whole > kDurationMsMax / kTimes[unit].size || fraction * kTimes[unit].size % scale != 0) return bad_duration(text);
    total += *whole * kTimes[unit].size + fraction * kTimes[unit].size / scale;
    if (total > kDurationMsMax) return bad_duration(text);
    next_unit = unit + 1;
  } while (!rest.empty());
  return milliseconds(static_cast<int64_t>(total));
}

std::string format_duration(milliseconds duration) {
  auto left = static_cast<uint64_t>(duration.count());
  if (left == 0) return "0s";
  std::string text;
  for (const Unit& unit : kTimes) {
    if (left >= unit.size) text += fmt::format("{}{}", left / unit.size, unit.name);
    left %= unit.size;
  }
  return text;
}

Result<uint64_t> parse_size(std::string_view text) {
  std::string_view rest = text;
  const auto number = take_number(rest);
  if (!number) return bad_size(text);
  for (const Unit& unit : kSizes) {
    if (unit.name != rest) continue;
    if (*number > kSizeBytesMax / unit.size) return bad_size(text);
    return *number * unit.size;
  }
  return bad_size(text);
}

std::string format_size(uint64_t bytes) {
  for (const Unit& unit : kSizes) {
    if (bytes != 0 && bytes % unit.size == 0) return fmt::format("{}{}", bytes / unit.size, unit.name);
  }
  return "0B";
}

}  // namespace ebb::wire
