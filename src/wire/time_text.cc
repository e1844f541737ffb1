// Times by the standard's calendar.
#include "wire/time_text.h"

#include <fmt/format.h>

#include <charconv>

namespace ebb::wire {

namespace {

// Digits only, all of them, within [min, max].
bool read_digits(std::string_view text, int min, int max, int& value) {
  if (text.find_first_not_of("0123456789") != std::string_view::npos) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && value >= min && value <= max;
}

}  // namespace

std::string format_time(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<milliseconds> clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

Result<WallTime> parse_time(std::string_view text) {
  const auto wrong = [&] { return fail(ErrorKind::kInvalid, fmt::format("'{}' is not a time: use 2026-11-24 or 2026-11-24T10:00:00Z", text.substr(0, 64))); };
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, millis = 0;
  if (text.size() < 10 || text[4] != '-' || text[7] != '-') return wrong();
  if (!read_digits(text.substr(0, 4), 1970, 9999, year) || !read_digits(text.substr(5, 2), 1, 12, month) || !read_digits(text.substr(8, 2), 1, 31, day))
    return wrong();
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return wrong();
  std::string_view rest = text.substr(10);
  if (!rest.empty()) {
    if (rest.size() < 10 || rest[0] != 'T' || rest[3] != ':' || rest[6] != ':' || rest.back() != 'Z') return wrong();
    if (!read_digits(rest.substr(1, 2), 0, 23, hour) || !read_digits(rest.substr(4, 2), 0, 59, minute) || !read_digits(rest.substr(7, 2), 0, 59, second))
      return wrong();
    const std::string_view fraction = rest.substr(9, rest.size() - 10);
    if (!fraction.empty()) {
      if (fraction[0] != '.' || fraction.size() < 2 || fraction.size() > 10 || fraction.find_first_not_of("0123456789", 1) != std::string_view::npos)
        return wrong();
      std::string three(fraction.substr(1, 3));
      three.resize(3, '0');
      read_digits(three, 0, 999, millis);
    }
  }
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) + seconds(second) + milliseconds(millis);
}

}  // namespace ebb::wire
