// Money in integer units of 1e-12 of the currency ("pico"), and the price of a call.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace ebb::domain {

// 64 bits hold nine million units of the currency.
using Pico = int64_t;

struct Prices {
  std::string currency = "USD";
  Pico per_mib_ms = 16;      // 1.6e-11 a MiB·ms: what the large clouds ask for a GB-second of function time
  Pico init_per_mib_ms = 0;  // while an instance of a function starts
  Pico per_call = 200'000;   // 2e-7: a fifth of a millionth
  bool operator==(const Prices&) const = default;
};

// Rounds up to whole milliseconds, once, at the end of a call. A call that ran for 0 ns pays for 0 ms.
int64_t billed_milliseconds(nanoseconds busy);

// The sum, or the largest or smallest value where 64 bits do not hold it: what is added up is never below zero by accident.
int64_t saturated_sum(int64_t a, int64_t b);
// Of factors that are not below zero, likewise.
int64_t saturated_product(int64_t a, int64_t b);

// billed_ms × memory_mib, likewise. A GiB held for a second is 1,024,000 of it.
int64_t mib_milliseconds(int64_t billed_ms, int64_t memory_mib);
inline constexpr int64_t kMibMsPerGibSecond = 1'024'000;

// billed_ms × memory_mib × per_mib_ms + per_call; saturates instead of overflowing.
Pico cost_of_call(int64_t billed_ms, int64_t memory_mib, const Prices& prices);

// billed_ms × memory_mib × init_per_mib_ms, likewise.
Pico cost_of_init(int64_t billed_ms, int64_t memory_mib, const Prices& prices);

// "0.000123456789" with the digits that matter: at least two, at most twelve after the point, no trailing zeros beyond two.
std::string format_money(Pico amount);

// Reads what format_money writes, exactly: digits, perhaps a point and up to twelve more digits. Error kInvalid: no such number, below zero, or more than 64
// bits hold.
Result<Pico> parse_money(std::string_view text);

}  // namespace ebb::domain
