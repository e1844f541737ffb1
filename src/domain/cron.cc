// From the clocks of a zone to instants and back.
// Compiled alone: workers have no use for time zones, whose library would cost each of them 90 KiB and a millisecond.
#include "domain/cron.h"

#include <absl/time/time.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "domain/cron_parse.h"
#include "domain/limits.h"
#include "domain/zone.h"

namespace ebb::domain {

namespace {

absl::Time to_absl(WallTime time) { return absl::FromUnixMillis(time.time_since_epoch().count()); }

// The lowest number of the set from `from` on, the highest up to `to`; -1: none.
int lowest(uint64_t set, int from) {
  const uint64_t rest = from < 64 ? set >> static_cast<unsigned>(from) << static_cast<unsigned>(from) : 0;
  return rest == 0 ? -1 : std::countr_zero(rest);
}
int highest(uint64_t set, int to) {
  const uint64_t rest = to < 0 ? 0 : set & (~uint64_t{0} >> static_cast<unsigned>(63 - to));
  return rest == 0 ? -1 : 63 - std::countl_zero(rest);
}
bool has(uint64_t set, int number) { return (set >> static_cast<unsigned>(number) & 1U) != 0; }

bool fires_on(const CronFields& fields, absl::CivilDay day) {
  if (!has(fields.months, day.month())) return false;
  const int weekday = (static_cast<int>(absl::GetWeekday(day)) + 1) % 7;  // Abseil's weeks begin on Monday
  const bool by_month = has(fields.days, day.day());
  const bool by_week = has(fields.weekdays, weekday);
  return fields.either_day ? by_month || by_week : by_month && by_week;
}

// The first minute that matches at or after `from`, in the clocks of the zone, by the end of `until`.
std::optional<absl::CivilMinute> match_from(const CronFields& fields, absl::CivilMinute from, absl::CivilDay until) {
  for (absl::CivilDay day(from); day <= until; ++day) {
    if (!fires_on(fields, day)) continue;
    const bool first_day = day == absl::CivilDay(from);
    for (int hour = lowest(fields.hours, first_day ? from.hour() : 0); hour >= 0; hour = lowest(fields.hours, hour + 1)) {
      const int minute = lowest(fields.minutes, first_day && hour == from.hour() ? from.minute() : 0);
      if (minute >= 0) return absl::CivilMinute(day.year(), day.month(), day.day(), hour, minute);
    }
  }
  return std::nullopt;
}

// The last that matches at or before `to`, not before `since` begins.
std::optional<absl::CivilMinute> match_to(const CronFields& fields, absl::CivilMinute to, absl::CivilDay since) {
  for (absl::CivilDay day(to); day >= since; --day) {
    if (!fires_on(fields, day)) continue;
    const bool last_day = day == absl::CivilDay(to);
    for (int hour = highest(fields.hours, last_day ? to.hour() : 23); hour >= 0; hour = highest(fields.hours, hour - 1)) {
      const int minute = highest(fields.minutes, last_day && hour == to.hour() ? to.minute() : 59);
      if (minute >= 0) return absl::CivilMinute(day.year(), day.month(), day.day(), hour, minute);
    }
  }
  return std::nullopt;
}

// When a minute of the clocks fires: a later one never does before an earlier one.
WallTime instant_of(absl::CivilMinute minute, const absl::TimeZone& zone) {
  const absl::TimeZone::TimeInfo info = zone.At(absl::CivilSecond(minute));
  const absl::Time at = info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.pre;
  return WallTime(milliseconds(absl::ToUnixMillis(at)));
}

// The latest minute that the clocks have shown: in an hour that is repeated, its end.
absl::CivilMinute latest_shown(absl::Time time, const absl::TimeZone& zone) {
  const absl::CivilSecond shown = absl::ToCivilSecond(time, zone);
  absl::TimeZone::CivilTransition change;
  // Strictly before, in whole seconds: the one of this second counts.
  if (!zone.PrevTransition(time + absl::Seconds(1), &change)) return absl::CivilMinute(shown);
  return absl::CivilMinute(std::max(shown, change.from - 1));
}

}  // namespace

Cron::Cron(std::string_view expression, CronFields fields, std::shared_ptr<const Zone> zone)
    : expression_(expression), zone_name_(zone->name), fields_(fields), zone_(std::move(zone)) {}

Result<Cron> Cron::parse(std::string_view expression, std::string_view zone) {
  const Result<CronFields> fields = parse_cron_fields(expression);
  if (!fields) return fail(fields.error());
  Result<std::shared_ptr<const Zone>> found = find_zone(zone);
  if (!found) return fail(found.error());
  return Cron(expression, *fields, std::move(*found));
}

std::optional<WallTime> Cron::next_after(WallTime time) const {
  const absl::CivilMinute from = absl::ToCivilMinute(to_absl(time), zone_->rules);
  const absl::CivilDay until = absl::CivilDay(from) + kCronDaysAheadMax;
  // A second round only where the clocks show what they have shown before.
  for (auto minute = match_from(fields_, from, until); minute; minute = match_from(fields_, *minute + 1, until)) {
    const WallTime at = instant_of(*minute, zone_->rules);
    if (at > time) return at;
  }
  return std::nullopt;
}

std::optional<WallTime> Cron::meets(const Cron& other) const {
  if (zone_name_ == other.zone_name_) {
    const int hour = lowest(fields_.hours & other.fields_.hours, 0);
    const int minute = lowest(fields_.minutes & other.fields_.minutes, 0);
    if (hour < 0 || minute < 0) return std::nullopt;
    // After 28 years each date has been on each day of the week.
    for (absl::CivilDay day(2025, 1, 1); day < absl::CivilDay(2053, 1, 1); ++day) {
      if (!fires_on(fields_, day) || !fires_on(other.fields_, day)) continue;
      return instant_of(absl::CivilMinute(day.year(), day.month(), day.day(), hour, minute), zone_->rules);
    }
    return std::nullopt;
  }
  WallTime from{std::chrono::sys_days{std::chrono::year{2025} / 1 / 1}};
  for (int i = 0; i < kCronMeetTries; ++i) {
    const std::optional<WallTime> own = next_after(from);
    const std::optional<WallTime> its = other.next_after(from);
    if (!own || !its || *own == *its) return own && its ? own : std::nullopt;
    // Whichever is earlier is not met before the other fires.
    from = std::max(*own, *its) - milliseconds(1);
  }
  return std::nullopt;
}

std::optional<WallTime> Cron::last_at_or_before(WallTime time) const {
  const absl::CivilMinute to = latest_shown(to_absl(time), zone_->rules);
  const absl::CivilDay since = absl::CivilDay(to) - kCronBackMax / std::chrono::hours(24) - 1;
  const auto minute = match_to(fields_, to, since);
  if (!minute) return std::nullopt;
  const WallTime at = instant_of(*minute, zone_->rules);
  if (time - at >= kCronBackMax) return std::nullopt;
  return at;
}

}  // namespace ebb::domain
