// Sums of products, in 128 bits; whatever does not fit into 64 in the end is the largest there is.
#include "domain/price_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "domain/limits.h"

namespace ebb::domain {

namespace {

__extension__ using Wide = __int128;
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

// Units of 1e-12 × MiB·ms, for a price by the GiB-second: rounded up.
Pico priced(Wide sum) {
  const Wide cost = (sum + kMibMsPerGibSecond - 1) / kMibMsPerGibSecond;
  return static_cast<Pico>(std::min<Wide>(cost, kMost));
}

// Of a call's amount, what is not free to whom so much was used before.
int64_t beyond_free(int64_t before, int64_t amount, int64_t free) { return amount - std::clamp<int64_t>(free - std::min(before, free), 0, amount); }

size_t place_of(Tier tier) {
  const auto found = std::ranges::find(kRunTiers, tier);
  EBB_CHECK(found != kRunTiers.end());
  return static_cast<size_t>(found - kRunTiers.begin());
}

// Of the part from one amount of the month to another, at each step's price.
Wide run_sum(const PriceList& prices, size_t tier, int64_t from, int64_t to) {
  Wide sum = 0;
  for (size_t i = 0; i < prices.steps.size() && from < to; ++i) {
    const int64_t end = i + 1 < prices.steps.size() ? prices.steps[i + 1].from_mib_ms : kMost;
    const int64_t part = std::min(to, end) - from;
    if (part <= 0) continue;
    sum += Wide{part} * prices.steps[i].per_gib_second[tier];
    from += part;
  }
  return sum;
}

Pico token_cost(const PriceList& prices, int64_t prompt, int64_t completion) {
  return saturated_sum(saturated_product(prompt, prices.per_prompt_token), saturated_product(completion, prices.per_completion_token));
}

}  // namespace

Use& Use::operator+=(const Use& other) {
  mib_ms = saturated_sum(mib_ms, other.mib_ms);
  calls = saturated_sum(calls, other.calls);
  prompt_tokens = saturated_sum(prompt_tokens, other.prompt_tokens);
  completion_tokens = saturated_sum(completion_tokens, other.completion_tokens);
  return *this;
}

Use use_of(const UsageRecord& record) {
  if (!is_paid(record)) return {};
  return {.mib_ms = mib_milliseconds(record.billed_ms, record.memory_mib),
          .calls = 1,
          .prompt_tokens = record.prompt_tokens,
          .completion_tokens = record.completion_tokens};
}

Pico cost_of(const PriceList& prices, Tier tier, const Use& before, const Use& call) {
  const int64_t end = saturated_sum(before.mib_ms, call.mib_ms);
  const int64_t begin = end - beyond_free(before.mib_ms, call.mib_ms, prices.free.mib_ms);
  const Pico run = priced(run_sum(prices, place_of(tier), begin, end));
  const Pico calls = saturated_product(beyond_free(before.calls, call.calls, prices.free.calls), prices.per_call);
  const Pico tokens = token_cost(prices, beyond_free(before.prompt_tokens, call.prompt_tokens, prices.free.prompt_tokens),
                                 beyond_free(before.completion_tokens, call.completion_tokens, prices.free.completion_tokens));
  return saturated_sum(saturated_sum(run, calls), tokens);
}

Pico list_cost_of(const PriceList& prices, Tier tier, const Use& call) {
  const Pico run = priced(Wide{call.mib_ms} * prices.steps.front().per_gib_second[place_of(tier)]);
  return saturated_sum(saturated_sum(run, saturated_product(call.calls, prices.per_call)), token_cost(prices, call.prompt_tokens, call.completion_tokens));
}

Pico worst_cost_of(const PriceList& prices, const Use& call) {
  Pico dearest = 0;
  for (const PriceStep& step : prices.steps)
    dearest = std::max(dearest, std::ranges::max(step.per_gib_second));
  const Pico run = priced(Wide{call.mib_ms} * dearest);
  return saturated_sum(saturated_sum(run, saturated_product(call.calls, prices.per_call)), token_cost(prices, call.prompt_tokens, call.completion_tokens));
}

Pico cost_of_init(const PriceList& prices, int64_t mib_ms) { return priced(Wide{mib_ms} * prices.init_per_gib_second); }

Status check_prices(const PriceList& prices) {
  const auto wrong = [](std::string message, std::string param) { return fail(ErrorKind::kInvalid, std::move(message), std::move(param)); };
  const auto is_letter = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (prices.currency.size() != 3 || !std::ranges::all_of(prices.currency, is_letter))
    return wrong("a currency is three capital letters, such as USD", "currency");
  if (prices.note.size() > kPriceNoteBytesMax) return wrong(fmt::format("a note has at most {} bytes", kPriceNoteBytesMax), "note");
  if (prices.steps.empty() || prices.steps.front().from_mib_ms != 0)
    return wrong("the first step begins at 0: what is used below it would have no price", "steps");
  if (prices.steps.size() > kPriceStepsMax) return wrong(fmt::format("there are at most {} steps", kPriceStepsMax), "steps");
  for (size_t i = 1; i < prices.steps.size(); ++i) {
    if (prices.steps[i].from_mib_ms <= prices.steps[i - 1].from_mib_ms)
      return wrong(fmt::format("step {} begins where step {} does, or before it: each begins where the one before ends", i + 1, i), "steps");
  }
  Pico least = std::min({prices.init_per_gib_second, prices.per_call, prices.per_prompt_token, prices.per_completion_token});
  for (const PriceStep& step : prices.steps)
    least = std::min(least, std::ranges::min(step.per_gib_second));
  if (least < 0) return wrong("a price below zero", "per_call");
  if (std::min({prices.free.mib_ms, prices.free.calls, prices.free.prompt_tokens, prices.free.completion_tokens}) < 0)
    return wrong("less than nothing cannot be free", "free");
  return {};
}

}  // namespace ebb::domain
