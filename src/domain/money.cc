// Prices are multiplied in 128 bits and saturate: a bill is never negative.
#include "domain/money.h"

#include <fmt/format.h>

#include <limits>

namespace ebb::domain {

int64_t billed_milliseconds(nanoseconds busy) {
  if (busy.count() <= 0) return 0;
  return (busy.count() - 1) / 1'000'000 + 1;
}

namespace {

Pico cost_of(int64_t billed_ms, int64_t memory_mib, Pico per_mib_ms, Pico per_call) {
  __extension__ using Wide = __int128;
  const Wide cost = Wide{billed_ms} * memory_mib * per_mib_ms + per_call;
  constexpr Wide kMax = std::numeric_limits<Pico>::max();
  return static_cast<Pico>(cost > kMax ? kMax : cost);
}

}  // namespace

Pico cost_of_call(int64_t billed_ms, int64_t memory_mib, const Prices& prices) { return cost_of(billed_ms, memory_mib, prices.per_mib_ms, prices.per_call); }
Pico cost_of_init(int64_t billed_ms, int64_t memory_mib, const Prices& prices) { return cost_of(billed_ms, memory_mib, prices.init_per_mib_ms, 0); }

std::string format_money(Pico amount) {
  const bool negative = amount < 0;
  const auto size = static_cast<uint64_t>(negative ? -(amount + 1) : amount) + (negative ? 1U : 0U);
  std::string text = fmt::format("{}{}.{:012}", negative ? "-" : "", size / 1'000'000'000'000U, size % 1'000'000'000'000U);
  const size_t shortest = text.find('.') + 3;
  while (text.size() > shortest && text.back() == '0')
    text.pop_back();
  return text;
}

}  // namespace ebb::domain
