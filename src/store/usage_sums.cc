// Additions that saturate, and the calendar.
#include "store/usage_sums.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace ebb::store {

namespace {

int64_t add(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return a > 0 ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
}

}  // namespace

UsageKey key_of(const domain::UsageRecord& record) {
  return {.hour = std::chrono::floor<std::chrono::hours>(record.ended),
          .endpoint = record.endpoint,
          .tier = std::string(to_string(record.tier)),
          .tenant = record.tenant,
          .key = record.key};
}

UsageSums sums_of(const domain::UsageRecord& record) {
  return {.calls = record.tier == domain::Tier::kInit ? 0 : 1,
          .faults = record.outcome == domain::Outcome::kFault ? 1 : 0,
          .billed_ms = record.billed_ms,
          .busy_ns = record.busy.count(),
          .cost = record.cost,
          .prompt_tokens = record.prompt_tokens,
          .completion_tokens = record.completion_tokens,
          .last_ended = record.ended};
}

UsageSums& UsageSums::operator+=(const UsageSums& other) {
  calls = add(calls, other.calls);
  faults = add(faults, other.faults);
  billed_ms = add(billed_ms, other.billed_ms);
  busy_ns = add(busy_ns, other.busy_ns);
  cost = add(cost, other.cost);
  prompt_tokens = add(prompt_tokens, other.prompt_tokens);
  completion_tokens = add(completion_tokens, other.completion_tokens);
  last_ended = std::max(last_ended, other.last_ended);
  return *this;
}

std::string day_of(Hour hour) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(hour));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

}  // namespace ebb::store
