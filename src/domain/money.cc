// Sums and products saturate: a bill is never negative.
#include "domain/money.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace ebb::domain {

int64_t billed_milliseconds(nanoseconds busy) {
  if (busy.count() <= 0) return 0;
  return (busy.count() - 1) / 1'000'000 + 1;
}

int64_t saturated_sum(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return a > 0 ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
}

int64_t saturated_product(int64_t a, int64_t b) {
  int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<int64_t>::max() : product;
}

int64_t mib_milliseconds(int64_t billed_ms, int64_t memory_mib) { return saturated_product(billed_ms, memory_mib); }

namespace {

constexpr size_t kDigitsAfterPoint = 12;
constexpr uint64_t kWhole = 1'000'000'000'000;
constexpr size_t kCharactersMax = 24;  // a sign, 19 digits and a point at most

}  // namespace

// By hand, since a refusal for want of money says four sums, and many may be refused.
std::string format_money(Pico amount) {
  const bool negative = amount < 0;
  const auto size = static_cast<uint64_t>(negative ? -(amount + 1) : amount) + (negative ? 1U : 0U);
  std::array<char, kCharactersMax> text{};
  char* at = text.data();
  if (negative) *at++ = '-';
  at = std::to_chars(at, text.data() + text.size(), size / kWhole).ptr;
  *at++ = '.';
  const char* const shortest = at + 2;
  char* const after_point = at;
  at += kDigitsAfterPoint;
  uint64_t part = size % kWhole;
  for (char* digit = at; digit > after_point; part /= 10)
    *--digit = static_cast<char>('0' + part % 10);
  while (at > shortest && at[-1] == '0')
    --at;
  return {text.data(), at};
}

namespace {

bool all_digits(std::string_view text) { return text.find_first_not_of("0123456789") == std::string_view::npos; }

}  // namespace

Result<Pico> parse_money(std::string_view text) {
  const size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  std::string part(text.substr(std::min(point + 1, text.size())));
  const auto wrong = [&](std::string_view why) { return fail(ErrorKind::kInvalid, fmt::format("'{}' is no amount of money: {}", text.substr(0, 60), why)); };
  if (text.starts_with('-')) return wrong("it is below zero");
  if (whole.empty() || !all_digits(whole) || !all_digits(part) || (point < text.size() && part.empty()))
    return wrong("write digits, and a point before the parts, such as 12.50");
  if (part.size() > kDigitsAfterPoint) return wrong("a millionth of a millionth (twelve digits after the point) is the least there is");
  part.append(kDigitsAfterPoint - part.size(), '0');
  Pico amount = 0;
  for (const char digit : std::string(whole) + part) {
    if (__builtin_mul_overflow(amount, 10, &amount) || __builtin_add_overflow(amount, digit - '0', &amount))
      return wrong("at most 9223372.036854775807 can be counted");
  }
  return amount;
}

}  // namespace ebb::domain
