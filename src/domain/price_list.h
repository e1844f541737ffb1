// What calls cost: a list of prices, in force for calls that arrive from a moment on, and the price of a call by it. Pure.
//
// Run time is paid by memory × time in the tier of the call; steps make it another price past so much of it in a month, and what is free is not paid at all.
// Both are for each tenant and month of the UTC calendar: a call that crosses a border pays its parts on both sides. Everything is exact but for one rounding,
// up to a whole unit of 1e-12, at the end of each call.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "domain/money.h"
#include "domain/usage.h"

namespace ebb::domain {

// What prices are for: of a call, or of all calls of a tenant in a month. Sums saturate.
struct Use {
  int64_t mib_ms = 0;  // memory × billed time
  int64_t calls = 0;
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  Use& operator+=(const Use& other);
  bool operator==(const Use&) const = default;
};
// Of what is paid for: nothing of a record that is not.
Use use_of(const UsageRecord& record);

// Tiers in which calls run, and the price of each for a GiB-second, in this order.
inline constexpr std::array kRunTiers{Tier::kWarm, Tier::kProvisioned, Tier::kParked, Tier::kCold};
using RunPrices = std::array<Pico, kRunTiers.size()>;

struct PriceStep {
  int64_t from_mib_ms = 0;  // of the month; what is free counts
  RunPrices per_gib_second{};
  bool operator==(const PriceStep&) const = default;
};

// What the large clouds ask for function time: 1.6384e-5 for a GiB-second.
inline constexpr Pico kDefaultPerGibSecond = 16 * kMibMsPerGibSecond;

struct PriceList {
  int64_t version = 0;  // 0: by the server's settings; others count up
  std::string note;     // for people
  WallTime from{};      // in force for calls that arrive from then on, until the next list is
  std::string currency = "USD";
  std::vector<PriceStep> steps{{.per_gib_second = {kDefaultPerGibSecond, kDefaultPerGibSecond, kDefaultPerGibSecond, kDefaultPerGibSecond}}};
  Pico init_per_gib_second = 0;  // while an instance of a function starts
  Pico per_call = 200'000;       // 2e-7: a fifth of a millionth
  Pico per_prompt_token = 0;
  Pico per_completion_token = 0;
  Use free{};  // of each tenant in each month
  bool operator==(const PriceList&) const = default;

  bool counts_tokens() const { return per_prompt_token != 0 || per_completion_token != 0; }
};

// kInvalid, with the field's name in a document as param: steps that do not begin at 0, or do not rise, or are too many; a currency or note that is none; an
// amount below zero.
Status check_prices(const PriceList& prices);

// What a call costs to whom `before` was used in the month. Saturates.
Pico cost_of(const PriceList& prices, Tier tier, const Use& before, const Use& call);
// With nothing free, and all of it at the first step: what an invoice sets the difference off against.
Pico list_cost_of(const PriceList& prices, Tier tier, const Use& call);
// Whatever its tier, and whatever was used before: no call of this use costs more.
Pico worst_cost_of(const PriceList& prices, const Use& call);
// Of the start of a function's instance: neither free nor by steps.
Pico cost_of_init(const PriceList& prices, int64_t mib_ms);

}  // namespace ebb::domain
