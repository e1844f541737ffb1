// Rows of lines, zones and times; what is refused with which words; and that looking back is the inverse of looking ahead.
#include "domain/cron.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "domain/cron_for_test.h"
#include "domain/limits.h"

namespace ebb::domain {
namespace {

constexpr const char* kNone = "none";

std::string written(std::optional<WallTime> time) { return time ? text_for_test(*time) : kNone; }

struct Row {
  const char* line;
  const char* zone;
  const char* time;
  const char* want;
};

TEST(Cron, NextAfter) {
  const Row rows[] = {
      {"* * * * *", "", "2026-01-01 00:00", "2026-01-01 00:01"},
      {"0 8 * * 1-5", "Europe/Berlin", "2026-01-02 06:59", "2026-01-02 07:00"},
      {"0 8 * * 1-5", "Europe/Berlin", "2026-01-02 07:00", "2026-01-05 07:00"},
      {"0 8 * * 1-5", "Europe/Berlin", "2026-07-01 00:00", "2026-07-01 06:00"},
      {"0 8 * * 1-5", "Asia/Kathmandu", "2026-01-02 12:00", "2026-01-05 02:15"},
      {"  0\t8  * * MON-fri ", "UTC", "2026-01-02 12:00", "2026-01-05 08:00"},
      // Lists, ranges and steps.
      {"5,50-52,*/20 * * * *", "", "2026-01-01 00:00", "2026-01-01 00:05"},
      {"5,50-52,*/20 * * * *", "", "2026-01-01 00:40", "2026-01-01 00:50"},
      {"5,50-52,*/20 * * * *", "", "2026-01-01 00:52", "2026-01-01 01:00"},
      {"0 9-17/4 * * *", "", "2026-01-01 13:00", "2026-01-01 17:00"},
      {"0 9-17/4 * * *", "", "2026-01-01 17:00", "2026-01-02 09:00"},
      {"08 08 * jun-AUG *", "", "2026-01-01 00:00", "2026-06-01 08:08"},
      // Days of the week: Thursday is the first of January.
      {"0 0 * * 0", "", "2026-01-01 00:00", "2026-01-04 00:00"},
      {"0 0 * * 7", "", "2026-01-01 00:00", "2026-01-04 00:00"},
      {"0 0 * * Sun", "", "2026-01-01 00:00", "2026-01-04 00:00"},
      {"0 0 * * SAT", "", "2026-01-01 00:00", "2026-01-03 00:00"},
      {"0 0 * * fri-sun", "", "2026-01-04 00:00", "2026-01-09 00:00"},
      {"0 0 * * 5-7", "", "2026-01-03 00:00", "2026-01-04 00:00"},
      {"0 0 * * */7", "", "2026-01-01 00:00", "2026-01-04 00:00"},
      // Both days restricted: either; one of them begins with a star: both.
      {"0 0 13 * FRI", "", "2026-01-01 00:00", "2026-01-02 00:00"},
      {"0 0 13 * FRI", "", "2026-01-09 00:00", "2026-01-13 00:00"},
      {"0 0 13 * */5", "", "2026-01-01 00:00", "2026-02-13 00:00"},
      {"0 0 */2 * FRI", "", "2026-01-01 00:00", "2026-01-09 00:00"},
      // The ends of months.
      {"0 0 31 * *", "", "2026-01-31 00:00", "2026-03-31 00:00"},
      {"59 23 31 12 *", "America/New_York", "2026-01-01 12:00", "2027-01-01 04:59"},
      {"0 0 29 2 *", "", "2026-01-01 00:00", "2028-02-29 00:00"},
      {"0 0 29 2 *", "", "2096-02-29 00:00", "2104-02-29 00:00"},
      {"0 0 29 2 */7", "", "2026-01-01 00:00", "2032-02-29 00:00"},
      {"0 0 29 2 */7", "", "2032-02-29 00:00", kNone},
      // Short lines.
      {"@hourly", "", "2026-01-01 00:30", "2026-01-01 01:00"},
      {"@Daily", "", "2026-01-01 00:30", "2026-01-02 00:00"},
      {"@weekly", "", "2026-01-01 00:30", "2026-01-04 00:00"},
      {"@monthly", "", "2026-01-01 00:30", "2026-02-01 00:00"},
      {"@yearly", "Asia/Kathmandu", "2026-01-01 00:30", "2026-12-31 18:15"},
      // 02:00 to 03:00 is missing in Berlin.
      {"30 2 * * *", "Europe/Berlin", "2026-03-28 12:00", "2026-03-29 01:00"},
      {"30 2 * * *", "Europe/Berlin", "2026-03-29 01:00", "2026-03-30 00:30"},
      {"0 3 * * *", "Europe/Berlin", "2026-03-28 12:00", "2026-03-29 01:00"},
      {"15 * * * *", "Europe/Berlin", "2026-03-29 00:15", "2026-03-29 01:00"},
      {"15 * * * *", "Europe/Berlin", "2026-03-29 01:00", "2026-03-29 01:15"},
      {"*/15 * * * *", "Europe/Berlin", "2026-03-29 00:45", "2026-03-29 01:00"},
      {"*/15 * * * *", "Europe/Berlin", "2026-03-29 01:00", "2026-03-29 01:15"},
      // And is there twice.
      {"30 2 * * *", "Europe/Berlin", "2026-10-24 12:00", "2026-10-25 00:30"},
      {"30 2 * * *", "Europe/Berlin", "2026-10-25 00:30", "2026-10-26 01:30"},
      {"30 2 * * *", "Europe/Berlin", "2026-10-25 01:10", "2026-10-26 01:30"},
      {"*/15 * * * *", "Europe/Berlin", "2026-10-25 00:40", "2026-10-25 00:45"},
      {"*/15 * * * *", "Europe/Berlin", "2026-10-25 00:45", "2026-10-25 02:00"},
      {"*/15 * * * *", "Europe/Berlin", "2026-10-25 01:20", "2026-10-25 02:00"},
      {"30 2 * * *", "America/New_York", "2026-03-07 12:00", "2026-03-08 07:00"},
      {"30 1 * * *", "America/New_York", "2026-10-31 12:00", "2026-11-01 05:30"},
      {"30 1 * * *", "America/New_York", "2026-11-01 05:30", "2026-11-02 06:30"},
      // Half an hour is missing; a whole day is.
      {"15 2 * * *", "Australia/Lord_Howe", "2026-10-03 00:00", "2026-10-03 15:30"},
      {"0 12 30 12 *", "Pacific/Apia", "2011-12-01 00:00", "2011-12-30 10:00"},
  };
  for (const Row& row : rows) {
    const Result<Cron> cron = Cron::parse(row.line, row.zone);
    ASSERT_TRUE(cron) << row.line << ": " << cron.error().message;
    EXPECT_EQ(written(cron->next_after(utc_for_test(row.time))), row.want) << row.line << " in " << row.zone << " after " << row.time;
  }
}

TEST(Cron, LastAtOrBefore) {
  const Row rows[] = {
      {"0 8 * * 1-5", "Europe/Berlin", "2026-01-05 06:59", "2026-01-02 07:00"},
      {"0 8 * * 1-5", "Europe/Berlin", "2026-01-05 07:00", "2026-01-05 07:00"},
      {"0 0 31 * *", "", "2026-03-30 00:00", "2026-01-31 00:00"},
      {"0 0 29 2 *", "", "2029-02-01 00:00", "2028-02-29 00:00"},
      {"0 0 29 2 *", "", "2029-06-01 00:00", kNone},
      {"@yearly", "", "2028-12-31 23:59", "2028-01-01 00:00"},
      // 366 days and an hour.
      {"30 12 29 10 *", "Europe/Berlin", "2028-10-29 11:29", "2027-10-29 10:30"},
      {"30 2 * * *", "Europe/Berlin", "2026-03-29 00:59", "2026-03-28 01:30"},
      {"30 2 * * *", "Europe/Berlin", "2026-03-29 01:00", "2026-03-29 01:00"},
      {"30 2 * * *", "Europe/Berlin", "2026-10-25 00:29", "2026-10-24 00:30"},
      {"30 2 * * *", "Europe/Berlin", "2026-10-25 00:30", "2026-10-25 00:30"},
      // 02:10 for the second time.
      {"30 2 * * *", "Europe/Berlin", "2026-10-25 01:10", "2026-10-25 00:30"},
      {"*/15 * * * *", "Europe/Berlin", "2026-10-25 01:10", "2026-10-25 00:45"},
      {"30 2 * * *", "Europe/Berlin", "2026-10-25 01:30", "2026-10-25 00:30"},
      {"30 1 * * *", "America/New_York", "2026-11-01 06:00", "2026-11-01 05:30"},
      {"0 12 30 12 *", "Pacific/Apia", "2011-12-31 00:00", "2011-12-30 10:00"},
  };
  for (const Row& row : rows) {
    const Result<Cron> cron = Cron::parse(row.line, row.zone);
    ASSERT_TRUE(cron) << row.line << ": " << cron.error().message;
    EXPECT_EQ(written(cron->last_at_or_before(utc_for_test(row.time))), row.want) << row.line << " in " << row.zone << " at " << row.time;
  }
}

TEST(Cron, LookingBackIsTheInverseOfLookingAhead) {
  const char* given = std::getenv("EBB_SEED");
  const uint64_t first = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  for (uint64_t seed = first; seed < first + (given != nullptr ? 1 : 1'000) && !testing::Test::HasFailure(); ++seed) {
    RandomCron random(seed);
    const std::string line = random.line();
    const Result<Cron> cron = Cron::parse(line, random.zone());
    ASSERT_TRUE(cron) << line << ": " << cron.error().message;
    WallTime time = random.time();
    for (int step = 0; step < 20; ++step) {
      SCOPED_TRACE(fmt::format("repeat with EBB_SEED={}: {} in {} at {}", seed, line, cron->zone(), text_for_test(time)));
      const auto next = cron->next_after(time);
      if (!next) break;
      ASSERT_GT(*next, time);
      ASSERT_EQ(cron->last_at_or_before(*next), next);
      const auto last = cron->last_at_or_before(time);
      ASSERT_TRUE(!last || *last <= time);
      // Nothing fires between the two.
      ASSERT_EQ(cron->last_at_or_before(*next - milliseconds(1)), *next - milliseconds(1) - last.value_or(WallTime()) < kCronBackMax ? last : std::nullopt);
      if (last) {
        ASSERT_EQ(cron->next_after(*last - milliseconds(1)), last);
        ASSERT_EQ(cron->next_after(*last), next);
      }
      time = *next;
    }
  }
}

// Every minute of two days, asked one by one: so no firing is left out.
TEST(Cron, FiresWhenTheClocksShowIt) {
  const struct {
    const char* line;
    const char* from;
    int firings;
  } rows[] = {
      {"* * * * *", "2026-03-28 23:00", 23 * 60},   {"* * * * *", "2026-10-24 22:00", 24 * 60}, {"*/15 * * * *", "2026-03-28 23:00", 23 * 4},
      {"*/15 * * * *", "2026-10-24 22:00", 24 * 4}, {"30 2 * * *", "2026-03-28 23:00", 1},      {"30 2 * * *", "2026-10-24 22:00", 1},
  };
  for (const auto& row : rows) {
    const Cron cron = *Cron::parse(row.line, "Europe/Berlin");
    int firings = 0;
    const WallTime from = utc_for_test(row.from);
    const WallTime until = *Cron::parse("@daily", "Europe/Berlin")->next_after(from);
    for (WallTime time = from; time < until; time += std::chrono::minutes(1))
      firings += cron.last_at_or_before(time) == time ? 1 : 0;
    EXPECT_EQ(firings, row.firings) << row.line << " on the day that begins at " << row.from;
  }
}

TEST(Cron, IsAValue) {
  const Cron cron = *Cron::parse("0 8 * * 1-5", "");
  EXPECT_EQ(cron.expression(), "0 8 * * 1-5");
  EXPECT_EQ(cron.zone(), "UTC");
  const Cron copy = cron;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(copy, *Cron::parse("0 8 * * 1-5", "UTC"));
  EXPECT_NE(copy, *Cron::parse("0 8 * * 1-5", "Europe/Berlin"));
  EXPECT_NE(copy, *Cron::parse("0 9 * * 1-5", ""));
}

TEST(Cron, Refusals) {
  const struct {
    std::string line;
    std::string zone;
    const char* param;
    const char* part;
  } rows[] = {
      {"", "", "cron", "column 1: minute is missing: a line has five fields: minute hour day-of-month month day-of-week, such as 0 8 * * 1-5"},
      {"0 8 * *", "", "cron", "column 8: day-of-week is missing"},
      {"0 8 * * * *", "", "cron", "column 11: '*' is one field too many"},
      {"60 8 * * *", "", "cron", "column 1: minute: the number 60 is out of range: write 0 to 59"},
      {"0 24 * * *", "", "cron", "column 3: hour: the number 24 is out of range: write 0 to 23"},
      {"0 8 0 * *", "", "cron", "column 5: day-of-month: the number 0 is out of range: write 1 to 31"},
      {"0 8 * 13 *", "", "cron", "column 7: month: the number 13 is out of range: write 1 to 12"},
      {"0 8 * * 8", "", "cron", "column 9: day-of-week: the number 8 is out of range: write 0 to 7"},
      {"0 8 * * 1,9", "", "cron", "column 11: day-of-week: the number 9"},
      {"99999999999999999999 8 * * *", "", "cron", "column 1: minute: the number 99999999999999999999 is out of range"},
      {"-1 8 * * *", "", "cron", "column 1: minute: a number is missing"},
      {"0 17-8 * * *", "", "cron", "column 3: hour: the range 17-8 is reversed"},
      {"0 8 * DEC-JAN *", "", "cron", "column 7: month: the range DEC-JAN is reversed"},
      {"0 8-12-17 * * *", "", "cron", "column 8: hour: '8-12-17' is no range"},
      {"*/0 * * * *", "", "cron", "column 3: minute: the step 0 is out of range: write 1 to 59"},
      {"*/60 * * * *", "", "cron", "column 3: minute: the step 60 is out of range: write 1 to 59"},
      {"*/x * * * *", "", "cron", "column 3: minute: 'x' is no step"},
      {"*/ * * * *", "", "cron", "column 3: minute: a step is missing"},
      {"*/5/2 * * * *", "", "cron", "column 5: minute: '*/5/2' has two steps"},
      {"5/10 * * * *", "", "cron", "column 1: minute: a step needs a range before it: write 5-59/10"},
      {"0 8 * * MOX", "", "cron", "column 9: day-of-week: 'MOX' is no number: write 0 to 7, or SUN to SAT"},
      {"0 8 * JUNE *", "", "cron", "column 7: month: 'JUNE' is no number: write 1 to 12, or JAN to DEC"},
      {"0 8 * MON *", "", "cron", "column 7: month: 'MON' is no number"},
      {"0 +8 * * *", "", "cron", "column 3: hour: '+8' is no number"},
      {"0 8,,9 * * *", "", "cron", "column 5: hour: a number is missing"},
      {"0 ** * * *", "", "cron", "column 3: hour: '**' is no number"},
      {"@often", "", "cron", "column 1: '@often' is not known: write @hourly"},
      {"@daily *", "", "cron", "column 9: day-of-month is missing"},
      {"0 0 30 2 *", "", "cron", "column 5: day-of-month: the line never fires, since no month that it names has the day 30"},
      {"0 0 31 4,6,9,11 *", "", "cron", "the line never fires"},
      {"0 0 31 2 */2", "", "cron", "the line never fires"},
      {"0 8 * * *" + std::string(kCronBytesMax, ' '), "", "cron", "column 257: the line goes on after 256 bytes"},
      {"* * * * *", "Berlin", "zone", "'Berlin' is no time zone that this machine knows: names are like Europe/Berlin"},
      {"* * * * *", "Europe", "zone", "is no time zone"},
      {"* * * * *", "CET+1", "zone", "is no time zone"},
      {"* * * * *", "localtime", "zone", "is no time zone"},
      {"* * * * *", "/usr/share/zoneinfo/Europe/Berlin", "zone", "is no time zone"},
      {"* * * * *", "Europe/../Europe/Berlin", "zone", "is no time zone"},
      {"* * * * *", "file:Europe/Berlin", "zone", "is no time zone"},
      {"* * * * *", std::string("Europe/Berlin\0x", 15), "zone", "is no time zone"},
      {"* * * * *", std::string(1000, 'x'), "zone", "is no time zone"},
  };
  for (const auto& row : rows) {
    const Result<Cron> cron = Cron::parse(row.line, row.zone);
    ASSERT_FALSE(cron) << row.line << " in " << row.zone;
    EXPECT_EQ(cron.error().kind, ErrorKind::kInvalid) << row.line;
    EXPECT_EQ(cron.error().param, row.param) << row.line;
    EXPECT_NE(cron.error().message.find(row.part), std::string::npos) << row.line << " → " << cron.error().message;
  }
}

TEST(CronMeets, Rows) {
  const struct {
    const char* line;
    const char* zone;
    const char* other;
    const char* other_zone;
    bool meets;
  } rows[] = {
      {"0 8 * * *", "", "0 8 * * *", "", true},
      {"0 8 * * *", "", "0 18 * * *", "", false},
      {"*/2 * * * *", "", "1-59/2 * * * *", "", false},
      {"*/15 * * * *", "", "45 23 31 12 *", "", true},
      {"0 0 29 2 *", "", "0 0 * * 5", "", true},                             // a Friday in 2036
      {"0 0 1 * *", "", "0 0 */2 * 1", "", true},                            // both must match: a Monday that is the first of a month
      {"0 8 1-15 1-6 *", "", "0 8 16-31 * *", "", false},                    // no day
      {"30 2 * * *", "Europe/Berlin", "0 3 * * *", "Europe/Berlin", false},  // only by a change of the clocks
      {"0 8 * * *", "Europe/Berlin", "0 7 * * *", "", true},
      {"0 8 * * *", "Europe/Berlin", "0 6 * * *", "", true},  // in summer
      {"0 8 * * *", "Europe/Berlin", "0 5 * * *", "", false},
      {"0 0 * * *", "Asia/Kathmandu", "0 * * * *", "", false},
  };
  for (const auto& row : rows) {
    const Cron one = *Cron::parse(row.line, row.zone);
    const Cron other = *Cron::parse(row.other, row.other_zone);
    const auto at = one.meets(other);
    EXPECT_EQ(at.has_value(), row.meets) << row.line << " and " << row.other;
    EXPECT_EQ(at, other.meets(one));
    if (!at) continue;
    EXPECT_EQ(one.next_after(*at - milliseconds(1)), *at) << row.line;
    EXPECT_EQ(other.next_after(*at - milliseconds(1)), *at) << row.other;
  }
}

}  // namespace
}  // namespace ebb::domain
