// Times and random lines for the tests of schedules.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace ebb::domain {

// "2026-03-29 01:00", in UTC.
inline WallTime utc_for_test(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  std::sscanf(text.c_str(), "%d-%u-%u %d:%d", &year, &month, &day, &hour, &minute);  // NOLINT(cert-err34-c)
  return std::chrono::sys_days(std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute);
}

inline std::string text_for_test(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const auto ms = (time - day).count();
  return fmt::format("{}-{:02}-{:02} {:02}:{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     ms / 3'600'000, ms / 60'000 % 60);
}

class RandomCron {
 public:
  explicit RandomCron(uint64_t seed) : random_(seed) {}

  int pick(int min, int max) { return std::uniform_int_distribution<int>(min, max)(random_); }
  std::string zone() {
    static const std::vector<std::string> kZones{"",           "Europe/Berlin",    "America/New_York",    "Asia/Kathmandu",
                                                 "Asia/Tokyo", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia"};
    return kZones[pick(0, static_cast<int>(kZones.size()) - 1)];
  }
  // Days are of any month, so that each line fires.
  std::string line() { return fmt::format("{} {} {} {} {}", field(0, 59, 5), field(0, 23, 3), field(1, 28, 2), field(1, 12, 1), field(0, 7, 2)); }
  // Around the clock changes of 2026 as often as anywhere in a century.
  WallTime time() {
    static const std::vector<WallTime> kChanges{utc_for_test("2026-03-29 01:00"), utc_for_test("2026-10-25 01:00"), utc_for_test("2026-03-08 07:00"),
                                                utc_for_test("2026-11-01 06:00"), utc_for_test("2026-10-03 15:30"), utc_for_test("2011-12-30 10:00")};
    if (pick(0, 1) == 0) return kChanges[pick(0, static_cast<int>(kChanges.size()) - 1)] + milliseconds(pick(-7'200'000, 7'200'000));
    return utc_for_test("1990-01-01 00:00") + std::chrono::days(pick(0, 36'500)) + milliseconds(pick(0, 86'399'999));
  }

 private:
  // `*` is as likely as all else together times `stars`.
  std::string field(int min, int max, int stars) {
    const int kind = pick(0, 3 + stars);
    const int first = pick(min, max);
    if (kind == 0) return std::to_string(first);
    if (kind == 1) return fmt::format("{}-{}", first, pick(first, max));
    if (kind == 2) return fmt::format("{},{}", first, pick(min, max));
    if (kind == 3) return fmt::format("{}-{}/{}", first, max, pick(1, max));
    return pick(0, 3) == 0 && min == 0 ? fmt::format("*/{}", pick(1, max)) : "*";
  }

  std::mt19937_64 random_;
};

}  // namespace ebb::domain
