// Words, and the calendar's days and months.
// Compiled alone: workers have no use for time zones.
#include "domain/budget.h"

#include "domain/zone.h"

namespace ebb::domain {

std::string_view to_string(BudgetOf of) {
  switch (of) {
    case BudgetOf::kTenant: return "tenant";
    case BudgetOf::kKey: return "key";
    case BudgetOf::kEndpoint: return "endpoint";
  }
  return "";
}

std::optional<BudgetOf> parse_budget_of(std::string_view word) {
  for (const BudgetOf of : kBudgetsOf) {
    if (to_string(of) == word) return of;
  }
  return std::nullopt;
}

std::string_view to_string(Period period) {
  switch (period) {
    case Period::kHour: return "hour";
    case Period::kDay: return "day";
    case Period::kMonth: return "month";
    case Period::kTotal: return "total";
  }
  return "";
}

std::optional<Period> parse_period(std::string_view word) {
  for (const Period period : kPeriods) {
    if (to_string(period) == word) return period;
  }
  return std::nullopt;
}

namespace {

// When the clocks first show this, or what comes after it where they leave it out.
WallTime begin_of(absl::CivilSecond second, const absl::TimeZone& rules) {
  const absl::TimeZone::TimeInfo info = rules.At(second);
  return WallTime(milliseconds(absl::ToUnixMillis(info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.pre)));
}

// Hours are those of the world's time, shifted by what the zone is off by: an hour that the clocks show twice is two.
Span hour_of(const absl::TimeZone& rules, WallTime at) {
  const milliseconds off = seconds(rules.At(absl::FromUnixMillis(at.time_since_epoch().count())).offset);
  const WallTime from = WallTime(std::chrono::floor<std::chrono::hours>(at.time_since_epoch() + off) - off);
  return {.from = from, .to = from + std::chrono::hours(1)};
}

}  // namespace

Span span_of(Period period, const Zone& zone, WallTime at) {
  const absl::CivilSecond shown = absl::ToCivilSecond(absl::FromUnixMillis(at.time_since_epoch().count()), zone.rules);
  switch (period) {
    case Period::kHour: return hour_of(zone.rules, at);
    case Period::kDay: {
      const absl::CivilDay day(shown);
      return {.from = begin_of(absl::CivilSecond(day), zone.rules), .to = begin_of(absl::CivilSecond(day + 1), zone.rules)};
    }
    case Period::kMonth: {
      const absl::CivilMonth month(shown);
      return {.from = begin_of(absl::CivilSecond(month), zone.rules), .to = begin_of(absl::CivilSecond(month + 1), zone.rules)};
    }
    case Period::kTotal: break;
  }
  return {.from = WallTime{}, .to = WallTime::max()};
}

}  // namespace ebb::domain
