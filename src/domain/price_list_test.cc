// Rows of prices: steps, what is free, tokens, rounding.
#include "domain/price_list.h"

#include <gtest/gtest.h>

#include <limits>

#include "domain/limits.h"

namespace ebb::domain {
namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr Pico kEach = kMibMsPerGibSecond;  // a price by which a MiB·ms costs 1

PriceList by_the_mib_ms(Pico each, Pico per_call) {
  const Pico price = each * kEach;
  return {.steps = {{.per_gib_second = {price, price, price, price}}}, .per_call = per_call};
}

TEST(Prices, TheDefaultsAreThoseOfTheLargeClouds) {
  const Use second{.mib_ms = mib_milliseconds(1'000, 1'024), .calls = 1};
  EXPECT_EQ(cost_of({}, Tier::kWarm, {}, second), 16'384'000 + 200'000);
  EXPECT_EQ(list_cost_of({}, Tier::kCold, second), 16'384'000 + 200'000);
  EXPECT_EQ(worst_cost_of({}, second), 16'384'000 + 200'000);
}

TEST(Prices, EachTierHasItsOwn) {
  PriceList prices = by_the_mib_ms(0, 0);
  prices.steps[0].per_gib_second = {1 * kEach, 2 * kEach, 3 * kEach, 4 * kEach};
  const Use use{.mib_ms = 10, .calls = 1};
  EXPECT_EQ(cost_of(prices, Tier::kWarm, {}, use), 10);
  EXPECT_EQ(cost_of(prices, Tier::kProvisioned, {}, use), 20);
  EXPECT_EQ(cost_of(prices, Tier::kParked, {}, use), 30);
  EXPECT_EQ(cost_of(prices, Tier::kCold, {}, use), 40);
  EXPECT_EQ(worst_cost_of(prices, use), 40);
  prices.init_per_gib_second = 5 * kEach;
  EXPECT_EQ(cost_of_init(prices, 10), 50);
}

TEST(Prices, ACallPaysItsPartsOnBothSidesOfABorder) {
  PriceList prices = by_the_mib_ms(10, 7);
  prices.steps.push_back({.from_mib_ms = 100, .per_gib_second = {6 * kEach, 6 * kEach, 6 * kEach, 6 * kEach}});
  prices.steps.push_back({.from_mib_ms = 200, .per_gib_second = {kEach, kEach, kEach, kEach}});
  struct Row {
    int64_t before;
    int64_t use;
    int64_t free;
    Pico cost;
  };
  const Row rows[] = {{0, 100, 0, 1'000}, {100, 1, 0, 6},    {90, 20, 0, 100 + 60},    {90, 120, 0, 100 + 600 + 10},
                      {500, 3, 0, 3},     {0, 100, 30, 700}, {20, 100, 30, 700 + 120}, {0, 20, 30, 0},
                      {250, 10, 30, 10},  {0, 130, 120, 60}, {kMost, 5, 0, 5},         {0, 0, 0, 0}};
  for (const Row& row : rows) {
    prices.free.mib_ms = row.free;
    EXPECT_EQ(cost_of(prices, Tier::kWarm, {.mib_ms = row.before}, {.mib_ms = row.use}), row.cost) << row.before << " " << row.use << " " << row.free;
  }
  EXPECT_EQ(list_cost_of(prices, Tier::kWarm, {.mib_ms = 1'000, .calls = 2}), 10'000 + 14);
  EXPECT_EQ(worst_cost_of(prices, {.mib_ms = 1'000, .calls = 1}), 10'000 + 7);
}

TEST(Prices, CallsAndTokensAreFreeUpToTheirNumber) {
  PriceList prices = by_the_mib_ms(0, 100);
  prices.per_prompt_token = 3;
  prices.per_completion_token = 5;
  prices.free = {.calls = 2, .prompt_tokens = 10, .completion_tokens = 4};
  const Use call{.calls = 1, .prompt_tokens = 8, .completion_tokens = 3};
  EXPECT_EQ(cost_of(prices, Tier::kWarm, {}, call), 0);
  EXPECT_EQ(cost_of(prices, Tier::kWarm, call, call), 6 * 3 + 2 * 5);
  Use before = call;
  before += call;
  EXPECT_EQ(cost_of(prices, Tier::kWarm, before, call), 100 + 8 * 3 + 3 * 5);
}

TEST(Prices, RoundsUpOnceForAllOfACall) {
  PriceList prices = by_the_mib_ms(0, 0);
  prices.steps = {{.per_gib_second = {1, 1, 1, 1}}, {.from_mib_ms = 1, .per_gib_second = {1, 1, 1, 1}}};
  EXPECT_EQ(cost_of(prices, Tier::kWarm, {}, {.mib_ms = 2}), 1);
  EXPECT_EQ(cost_of(prices, Tier::kWarm, {}, {.mib_ms = kMibMsPerGibSecond}), 1);
  EXPECT_EQ(cost_of(prices, Tier::kWarm, {}, {.mib_ms = kMibMsPerGibSecond + 1}), 2);
}

TEST(Prices, SaturateInsteadOfOverflowing) {
  PriceList prices = by_the_mib_ms(1, kMost);
  prices.steps[0].per_gib_second = {kMost, kMost, kMost, kMost};
  prices.per_prompt_token = prices.per_completion_token = kMost;
  const Use use{.mib_ms = kMost, .calls = 2, .prompt_tokens = kMost, .completion_tokens = kMost};
  EXPECT_EQ(cost_of(prices, Tier::kWarm, {}, use), kMost);
  EXPECT_EQ(list_cost_of(prices, Tier::kWarm, use), kMost);
  EXPECT_EQ(worst_cost_of(prices, use), kMost);
  EXPECT_EQ(cost_of_init(prices, kMost), 0);
}

TEST(Prices, OnlyWhatIsPaidForIsUsed) {
  UsageRecord record{.billed_ms = 3, .memory_mib = 10, .prompt_tokens = 5, .completion_tokens = 6};
  EXPECT_EQ(use_of(record), (Use{.mib_ms = 30, .calls = 1, .prompt_tokens = 5, .completion_tokens = 6}));
  record.billed_ms = 0;
  record.outcome = Outcome::kTimeout;
  EXPECT_EQ(use_of(record), Use{});
  record.billed_ms = 3;
  record.tier = Tier::kInit;
  EXPECT_EQ(use_of(record), Use{});
}

TEST(CheckPrices, SaysWhatIsWrong) {
  EXPECT_TRUE(check_prices({}));
  struct Row {
    const char* param;
    void (*spoil)(PriceList& prices);
  };
  const Row rows[] = {{"currency", [](PriceList& p) { p.currency = "usd"; }},
                      {"currency", [](PriceList& p) { p.currency = "US$"; }},
                      {"note", [](PriceList& p) { p.note.assign(kPriceNoteBytesMax + 1, 'x'); }},
                      {"steps", [](PriceList& p) { p.steps.clear(); }},
                      {"steps", [](PriceList& p) { p.steps[0].from_mib_ms = 1; }},
                      {"steps", [](PriceList& p) { p.steps.push_back(p.steps[0]); }},
                      {"steps",
                       [](PriceList& p) {
                         p.steps = {{}, {.from_mib_ms = 5}, {.from_mib_ms = 4}};
                       }},
                      {"steps",
                       [](PriceList& p) {
                         for (size_t i = 1; i <= kPriceStepsMax; ++i)
                           p.steps.push_back({.from_mib_ms = static_cast<int64_t>(i)});
                       }},
                      {"per_call", [](PriceList& p) { p.per_call = -1; }},
                      {"per_call", [](PriceList& p) { p.steps[0].per_gib_second[2] = -1; }},
                      {"free", [](PriceList& p) { p.free.calls = -1; }}};
  for (const Row& row : rows) {
    PriceList prices;
    row.spoil(prices);
    const Status checked = check_prices(prices);
    ASSERT_FALSE(checked) << row.param;
    EXPECT_EQ(checked.error().param, row.param) << checked.error().message;
  }
}

}  // namespace
}  // namespace ebb::domain
