// Money in integer units of 1e-12 of the currency ("pico"), and what of a call it is paid for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace ebb::domain {

// 64 bits hold nine million units of the currency.
using Pico = int64_t;

// Rounds up to whole milliseconds, once, at the end of a call. A call that ran for 0 ns pays for 0 ms.
int64_t billed_milliseconds(nanoseconds busy);

// The sum, or the largest or smallest value where 64 bits do not hold it: what is added up is never below zero by accident.
int64_t saturated_sum(int64_t a, int64_t b);
// Of factors that are not below zero, likewise.
int64_t saturated_product(int64_t a, int64_t b);

// billed_ms × memory_mib, likewise. A GiB held for a second is 1,024,000 of it.
int64_t mib_milliseconds(int64_t billed_ms, int64_t memory_mib);
inline constexpr int64_t kMibMsPerGibSecond = 1'024'000;

// "0.000123456789" with the digits that matter: at least two, at most twelve after the point, no trailing zeros beyond two.
std::string format_money(Pico amount);

// Reads what format_money writes, exactly: digits, perhaps a point and up to twelve more digits. Error kInvalid: no such number, below zero, or more than 64
// bits hold.
Result<Pico> parse_money(std::string_view text);

}  // namespace ebb::domain
