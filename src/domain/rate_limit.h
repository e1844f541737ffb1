// How fast somebody may call: limits beside budgets. They are not walls: what a call uses is known when it ends, and may go beyond what was left.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "domain/budget.h"

namespace ebb::domain {

enum class RateOf {
  kRequests,     // calls that are accepted
  kTokens,       // of prompts and answers
  kSpending,     // 1e-12 of the currency: what stops a caller that has gone wild before its budget is gone
  kConcurrency,  // calls that are accepted and not over
};
inline constexpr std::array kRatesOf{RateOf::kRequests, RateOf::kTokens, RateOf::kSpending, RateOf::kConcurrency};
std::string_view to_string(RateOf of);  // "requests", "tokens", "spending", "concurrency"
std::optional<RateOf> parse_rate_of(std::string_view word);

struct RateLimit {
  BudgetOf whose = BudgetOf::kTenant;
  std::string name;  // of the tenant or endpoint; of a key, its line
  RateOf of = RateOf::kRequests;
  int64_t amount = 1;  // at least 1
  nanoseconds per{0};  // in any such time, after as much at once; 0: of concurrency
  bool operator==(const RateLimit&) const = default;
};

// "600/minute", "8": an amount (of spending, money such as 0.50), and for all but concurrency a time: second, minute, hour or day. Error: kInvalid.
struct RateAmount {
  int64_t amount = 0;
  nanoseconds per{0};
};
Result<RateAmount> parse_rate(RateOf of, std::string_view text);
std::string format_rate(const RateLimit& limit);

// Codes of errors of kind kQuota.
inline constexpr std::string_view kOverRate = "rate_limit_exceeded";
inline constexpr std::string_view kOverSpending = "spending_too_fast";

}  // namespace ebb::domain
