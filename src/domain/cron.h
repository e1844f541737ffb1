// A cron line in a time zone: when it fires, forwards and backwards. A value.
//
//   minute (0–59)  hour (0–23)  day-of-month (1–31)  month (1–12, JAN–DEC)  day-of-week (0–7, SUN–SAT; 0 and 7 are Sunday)
//
// A field is `*`, or a list of numbers and ranges, `*` and ranges with a step: `1,15-20,*/7`. A line may be @hourly, @daily, @weekly, @monthly or
// @yearly instead. Where neither day-of-month nor day-of-week begins with `*`, either is enough; else both must match (as Vixie's cron has it).
//
// Clock changes: each minute that the clocks of the zone show and that matches fires once. One that they show twice fires the first time; one that they
// leave out fires when they go on, at the first instant after the gap. So `*/15 * * * *` is silent while an hour is repeated.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace ebb::domain {

// One bit for each number of a field.
struct CronFields {
  uint64_t minutes = 0;
  uint64_t hours = 0;
  uint64_t days = 0;
  uint64_t months = 0;
  uint64_t weekdays = 0;    // from Sunday, 0, to Saturday
  bool either_day = false;  // a day of the month or one of the week is enough
};

struct Zone;

class Cron {
 public:
  // An empty zone is UTC. Error: kInvalid with the column and the field that is wrong; param "cron" or "zone". A line that never fires is one too.
  static Result<Cron> parse(std::string_view expression, std::string_view zone);

  // nullopt: not within kCronDaysAheadMax days.
  std::optional<WallTime> next_after(WallTime time) const;
  // nullopt: not within kCronBackMax.
  std::optional<WallTime> last_at_or_before(WallTime time) const;

  // A minute in which both fire. In one zone each that the calendar knows is found; times that a change of the clocks moves together are none. In two zones,
  // of the first kCronMeetTries times from 2025 on.
  std::optional<WallTime> meets(const Cron& other) const;

  const std::string& expression() const { return expression_; }  // as it was written
  const std::string& zone() const { return zone_name_; }         // never empty

  // Of what was written: `*/30` is not `0,30`.
  friend bool operator==(const Cron& a, const Cron& b) { return a.expression_ == b.expression_ && a.zone_name_ == b.zone_name_; }

 private:
  Cron(std::string_view expression, CronFields fields, std::shared_ptr<const Zone> zone);

  std::string expression_;
  std::string zone_name_;
  CronFields fields_;
  // Shared: it never changes, specifications are copied, and files that include this one need not read the library's headers, which take as long as all else.
  std::shared_ptr<const Zone> zone_;
};

}  // namespace ebb::domain
