// How much may be spent, by whom, in which time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "domain/money.h"

namespace ebb::domain {

struct Zone;

using BudgetId = Id<struct BudgetTag>;

enum class BudgetOf { kTenant, kKey, kEndpoint };
inline constexpr std::array kBudgetsOf{BudgetOf::kTenant, BudgetOf::kKey, BudgetOf::kEndpoint};
std::string_view to_string(BudgetOf of);  // "tenant", "key", "endpoint"
std::optional<BudgetOf> parse_budget_of(std::string_view word);

enum class Period { kHour, kDay, kMonth, kTotal };
inline constexpr std::array kPeriods{Period::kHour, Period::kDay, Period::kMonth, Period::kTotal};
std::string_view to_string(Period period);  // "hour", "day", "month", "total"
std::optional<Period> parse_period(std::string_view word);

struct Budget {
  BudgetId id;
  BudgetOf of = BudgetOf::kTenant;
  std::string name;  // of the tenant or endpoint; of a key, its line
  Period period = Period::kMonth;
  std::string zone = "UTC";  // whose calendar has the days and months
  Pico amount = 0;           // 0: nothing may be spent
  bool hard = true;          // false: only told
  bool operator==(const Budget&) const = default;
};

// Codes of errors of kind kQuota: nothing more may be spent until a budget's next period; or all that is left is held by calls that run.
inline constexpr std::string_view kOverBudget = "insufficient_quota";
inline constexpr std::string_view kBudgetHeld = "budget_held";
// Of kUnavailable: what was spent before is being counted.
inline constexpr std::string_view kBudgetUnknown = "budget_unknown";

// From one moment to another, the second not within.
struct Span {
  WallTime from{};
  WallTime to{};
  bool has(WallTime at) const { return from <= at && at < to; }
  bool operator==(const Span&) const = default;
};
// The period that has this moment, by the zone's calendar: a day may have 23 or 25 hours. kTotal: all time.
Span span_of(Period period, const Zone& zone, WallTime at);

}  // namespace ebb::domain
