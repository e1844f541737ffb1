// A month of the calendar, as invoices have it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "domain/budget.h"

namespace ebb::domain {

struct Month {
  int year = 1970;
  int month = 1;  // 1 to 12
  bool operator==(const Month&) const = default;
};

// "2026-11", of the years 1970 to 2999. Error: kInvalid with param "month".
Result<Month> parse_month(std::string_view text);
std::string to_string(const Month& month);

// From its first moment to that of the next, by the zone's calendar.
Span span_of(const Month& month, const Zone& zone);

}  // namespace ebb::domain
