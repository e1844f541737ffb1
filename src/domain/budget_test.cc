// Periods by a zone's calendar.
#include "domain/budget.h"

#include <gtest/gtest.h>

#include "domain/zone.h"

namespace ebb::domain {
namespace {

WallTime utc(int year, unsigned month, unsigned day, int hour = 0, int minute = 0) {
  return std::chrono::sys_days(std::chrono::year(year) / month / day) + std::chrono::hours(hour) + std::chrono::minutes(minute);
}

TEST(SpanOf, IsThePeriodThatHasTheMoment) {
  struct Row {
    Period period;
    const char* zone;
    WallTime at;
    WallTime from;
    WallTime to;
  };
  const Row rows[] = {
      {Period::kHour, "UTC", utc(2026, 11, 30, 10, 59), utc(2026, 11, 30, 10), utc(2026, 11, 30, 11)},
      {Period::kHour, "Asia/Kolkata", utc(2026, 11, 30, 10, 29), utc(2026, 11, 30, 9, 30), utc(2026, 11, 30, 10, 30)},
      {Period::kDay, "UTC", utc(2026, 11, 30, 23, 59), utc(2026, 11, 30), utc(2026, 12, 1)},
      {Period::kDay, "Europe/Berlin", utc(2026, 11, 30, 23, 30), utc(2026, 11, 30, 23), utc(2026, 12, 1, 23)},
      // The clocks go back on 25 October 2026 and forwards on 28 March 2027.
      {Period::kDay, "Europe/Berlin", utc(2026, 10, 25, 12), utc(2026, 10, 24, 22), utc(2026, 10, 25, 23)},
      {Period::kDay, "Europe/Berlin", utc(2027, 3, 28, 12), utc(2027, 3, 27, 23), utc(2027, 3, 28, 22)},
      // In the hour that is shown twice, both are hours of their own.
      {Period::kHour, "Europe/Berlin", utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 0), utc(2026, 10, 25, 1)},
      {Period::kHour, "Europe/Berlin", utc(2026, 10, 25, 1, 30), utc(2026, 10, 25, 1), utc(2026, 10, 25, 2)},
      // Beirut's clocks go forwards at midnight: the day begins at one.
      {Period::kDay, "Asia/Beirut", utc(2026, 3, 29, 12), utc(2026, 3, 28, 22), utc(2026, 3, 29, 21)},
      {Period::kMonth, "UTC", utc(2026, 12, 31, 23, 59), utc(2026, 12, 1), utc(2027, 1, 1)},
      {Period::kMonth, "Europe/Berlin", utc(2026, 10, 31, 23, 30), utc(2026, 10, 31, 23), utc(2026, 11, 30, 23)},
      {Period::kTotal, "UTC", utc(2026, 11, 30), WallTime{}, WallTime::max()},
  };
  for (const Row& row : rows) {
    const auto zone = find_zone(row.zone);
    ASSERT_TRUE(zone) << row.zone;
    const Span span = span_of(row.period, **zone, row.at);
    EXPECT_EQ(span.from, row.from) << to_string(row.period) << " " << row.zone << " from " << shown_in(**zone, span.from);
    EXPECT_EQ(span.to, row.to) << to_string(row.period) << " " << row.zone << " to " << shown_in(**zone, span.to);
    EXPECT_TRUE(span.has(row.at));
    EXPECT_EQ(span_of(row.period, **zone, span.from), span) << "its own begin is in it";
  }
}

TEST(Words, OfBudgetsAreReadAsTheyAreWritten) {
  for (const Period period : kPeriods)
    EXPECT_EQ(parse_period(to_string(period)), period);
  for (const BudgetOf of : kBudgetsOf)
    EXPECT_EQ(parse_budget_of(to_string(of)), of);
  EXPECT_FALSE(parse_period("week"));
  EXPECT_FALSE(parse_budget_of("user"));
}

}  // namespace
}  // namespace ebb::domain
