// Sums over usage records, by hour, endpoint, tier, tenant and line of keys: what bills are made of.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "domain/usage.h"

namespace ebb::store {

// Hours since 1970, UTC.
using Hour = std::chrono::sys_time<std::chrono::hours>;

struct UsageKey {
  Hour hour{};
  std::string endpoint;
  std::string tier;
  std::string tenant;
  std::string key;
  auto operator<=>(const UsageKey&) const = default;
};
UsageKey key_of(const domain::UsageRecord& record);

// Every sum stops at the largest value instead of wrapping: a bill is never negative.
struct UsageSums {
  int64_t calls = 0;
  int64_t paid = 0;    // of these, those that are paid for …
  int64_t faults = 0;  // … and those that failed by the platform's fault and cost nothing
  int64_t billed_ms = 0;
  int64_t mib_ms = 0;  // billed_ms × memory_mib
  int64_t busy_ns = 0;
  domain::Pico cost = 0;
  domain::Pico list_cost = 0;
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  WallTime last_ended = WallTime::min();
  UsageSums& operator+=(const UsageSums& other);
  bool operator==(const UsageSums&) const = default;
};
UsageSums sums_of(const domain::UsageRecord& record);

// "2026-11-24"
std::string day_of(Hour hour);

}  // namespace ebb::store
