// Sums, and the calendar.
#include "store/usage_sums.h"

#include <fmt/format.h>

#include <algorithm>

namespace ebb::store {

UsageKey key_of(const domain::UsageRecord& record) {
  return {.hour = std::chrono::floor<std::chrono::hours>(record.ended),
          .endpoint = record.endpoint,
          .tier = std::string(to_string(record.tier)),
          .tenant = record.tenant,
          .key = record.key};
}

UsageSums sums_of(const domain::UsageRecord& record) {
  return {.calls = record.tier == domain::Tier::kInit ? 0 : 1,
          .paid = domain::is_paid(record) ? 1 : 0,
          .faults = record.outcome == domain::Outcome::kFault ? 1 : 0,
          .billed_ms = record.billed_ms,
          .mib_ms = domain::mib_milliseconds(record.billed_ms, record.memory_mib),
          .busy_ns = record.busy.count(),
          .cost = record.cost,
          .list_cost = record.list_cost,
          .prompt_tokens = record.prompt_tokens,
          .completion_tokens = record.completion_tokens,
          .last_ended = record.ended};
}

UsageSums& UsageSums::operator+=(const UsageSums& other) {
  calls = domain::saturated_sum(calls, other.calls);
  paid = domain::saturated_sum(paid, other.paid);
  faults = domain::saturated_sum(faults, other.faults);
  billed_ms = domain::saturated_sum(billed_ms, other.billed_ms);
  mib_ms = domain::saturated_sum(mib_ms, other.mib_ms);
  busy_ns = domain::saturated_sum(busy_ns, other.busy_ns);
  cost = domain::saturated_sum(cost, other.cost);
  list_cost = domain::saturated_sum(list_cost, other.list_cost);
  prompt_tokens = domain::saturated_sum(prompt_tokens, other.prompt_tokens);
  completion_tokens = domain::saturated_sum(completion_tokens, other.completion_tokens);
  last_ended = std::max(last_ended, other.last_ended);
  return *this;
}

std::string day_of(Hour hour) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(hour));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

}  // namespace ebb::store
