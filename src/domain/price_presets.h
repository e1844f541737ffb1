// What others ask for the same work: published prices, in one place, for plans and invoices.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "domain/money.h"

namespace ebb::domain {

// All of these are in this currency.
inline constexpr std::string_view kPresetCurrency = "USD";

// What a cloud asks for serverless calls, at its list price without free allowance.
struct CloudPrice {
  std::string_view name;
  Pico per_gib_second = 0;  // while a call runs
  Pico per_call = 0;
  bool by_instance = false;  // asks once for calls that share an instance
  std::string_view source;
};
const std::vector<CloudPrice>& cloud_prices();

// A GiB that is held for an hour, busy or not: what `ebb plan` assumes of a machine that is rented by the month.
inline constexpr Pico kMemoryPerGibHour = 5'000'000'000;

// Memory × time at the cloud's price, and its price for each call; to the nearest unit, saturating.
Pico cost_at(const CloudPrice& price, int64_t mib_ms, int64_t calls);

// Of this memory, held for all of the time; likewise.
Pico cost_always_on(int64_t memory_mib, milliseconds held);

// The share of the time that the memory must be at work for a machine that is always on to cost as little as this did. Above 1: it is cheaper at no share.
// nullopt: nothing ran, or it cost nothing.
std::optional<double> break_even_duty(Pico cost, int64_t mib_ms);

}  // namespace ebb::domain
