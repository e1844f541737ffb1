// Figures and where they are from.
#include "domain/price_presets.h"

#include <limits>

namespace ebb::domain {

namespace {

__extension__ using Wide = __int128;

constexpr Wide kMibMsPerGibHour = Wide{3600} * kMibMsPerGibSecond;

// Of amounts that are not below zero.
Pico nearest(Wide dividend, Wide divisor) {
  const Wide quotient = (dividend + divisor / 2) / divisor;
  constexpr Wide kMax = std::numeric_limits<Pico>::max();
  return static_cast<Pico>(quotient > kMax ? kMax : quotient);
}

}  // namespace

const std::vector<CloudPrice>& cloud_prices() {
  static const std::vector<CloudPrice> prices{
      {"AWS Lambda", 16'666'700, 200'000, false, "x86, us-east-1: 0.0000166667 USD a GB-second, 0.20 USD a million requests"},
      {"Azure Functions", 16'000'000, 200'000, false, "consumption plan: 0.000016 USD a GB-second, 0.20 USD a million executions"},
      {"Google Cloud Run", 2'500'000 + 24'000'000, 400'000, true,
       "request-based, one vCPU for each GiB: 0.0000025 USD a GiB-second and 0.000024 USD a vCPU-second, 0.40 USD a million requests"},
  };
  return prices;
}

Pico cost_at(const CloudPrice& price, int64_t mib_ms, int64_t calls) {
  return saturated_sum(nearest(Wide{mib_ms} * price.per_gib_second, kMibMsPerGibSecond), nearest(Wide{calls} * price.per_call, 1));
}

Pico cost_always_on(int64_t memory_mib, milliseconds held) {
  return nearest(Wide{mib_milliseconds(held.count(), memory_mib)} * kMemoryPerGibHour, kMibMsPerGibHour);
}

std::optional<double> break_even_duty(Pico cost, int64_t mib_ms) {
  if (cost <= 0 || mib_ms <= 0) return std::nullopt;
  return static_cast<double>(mib_ms) / static_cast<double>(kMibMsPerGibHour) * static_cast<double>(kMemoryPerGibHour) / static_cast<double>(cost);
}

}  // namespace ebb::domain
