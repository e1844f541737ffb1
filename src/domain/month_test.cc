// Months as text, and their spans in several zones.
#include "domain/month.h"

#include <gtest/gtest.h>

#include "domain/zone.h"

namespace ebb::domain {
namespace {

TEST(ParseMonth, ReadsWhatItWrites) {
  for (const char* text : {"1970-01", "2026-11", "2999-12"}) {
    const Result<Month> month = parse_month(text);
    ASSERT_TRUE(month) << text;
    EXPECT_EQ(to_string(*month), text);
  }
}

TEST(ParseMonth, RefusesWhatIsNone) {
  for (const char* text :
       {"", "2026", "2026-13", "2026-00", "26-1", "2026-1", "2026-11-01", "2026/11", "2026-+1", " 026-11", "-026-11", "1969-12", "3000-01", "november"}) {
    const Result<Month> month = parse_month(text);
    ASSERT_FALSE(month) << text;
    EXPECT_EQ(month.error().param, "month");
  }
}

TEST(SpanOf, IsTheMonthOfTheZonesCalendar) {
  struct Row {
    Month month;
    const char* zone;
    const char* from;
    const char* to;
  };
  const Row rows[] = {
      {{2026, 11}, "UTC", "2026-11-01T00:00:00+00:00", "2026-12-01T00:00:00+00:00"},
      {{2026, 12}, "Europe/Berlin", "2026-12-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00"},
      {{2026, 10}, "Europe/Berlin", "2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00"},  // an hour longer than its days
      {{2028, 2}, "Pacific/Kiritimati", "2028-02-01T00:00:00+14:00", "2028-03-01T00:00:00+14:00"},
      {{2026, 6}, "America/Los_Angeles", "2026-06-01T00:00:00-07:00", "2026-07-01T00:00:00-07:00"},
      {{2026, 11}, "Asia/Kolkata", "2026-11-01T00:00:00+05:30", "2026-12-01T00:00:00+05:30"},
  };
  for (const Row& row : rows) {
    const auto zone = find_zone(row.zone);
    ASSERT_TRUE(zone) << row.zone;
    const Span span = span_of(row.month, **zone);
    EXPECT_EQ(shown_in(**zone, span.from), row.from);
    EXPECT_EQ(shown_in(**zone, span.to), row.to);
  }
}

}  // namespace
}  // namespace ebb::domain
