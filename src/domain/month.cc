// Its text, and its span by way of a day that lies within it everywhere.
#include "domain/month.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace ebb::domain {

namespace {

constexpr size_t kTextBytes = 7;  // "2026-11"
constexpr size_t kShownBytesMax = 40;

// -1: there are other characters than digits.
int number_in(std::string_view digits) {
  if (!std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; })) return -1;
  int number = -1;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

}  // namespace

Result<Month> parse_month(std::string_view text) {
  if (text.size() == kTextBytes && text[4] == '-') {
    const Month month{.year = number_in(text.substr(0, 4)), .month = number_in(text.substr(5))};
    if (month.year >= 1970 && month.year <= 2999 && month.month >= 1 && month.month <= 12) return month;
  }
  return fail(ErrorKind::kInvalid, fmt::format("'{}' is no month: write the year and the month's number, such as 2026-11", text.substr(0, kShownBytesMax)),
              "month");
}

std::string to_string(const Month& month) { return fmt::format("{:04}-{:02}", month.year, month.month); }

Span span_of(const Month& month, const Zone& zone) {
  // No zone is more than a day off.
  const std::chrono::year_month_day within{std::chrono::year(month.year), std::chrono::month(static_cast<unsigned>(month.month)), std::chrono::day(15)};
  return span_of(Period::kMonth, zone, WallTime(std::chrono::sys_days(within)));
}

}  // namespace ebb::domain
