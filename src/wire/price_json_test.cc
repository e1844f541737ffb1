// Price lists and limits, there and back; and what is wrong with those that are none.
#include "wire/price_json.h"

#include <gtest/gtest.h>

namespace ebb::wire {
namespace {

constexpr const char* kWhole = R"({
  "currency": "EUR", "note": "from the new year on", "from": "2027-01-01T00:00:00Z",
  "per_gib_second": {"warm": "0.0000166667", "provisioned": "0.000009", "cold": "0.00002"},
  "init_per_gib_second": "0.000001", "per_call": "0.0000002",
  "per_million_tokens": {"prompt": "0.15", "completion": "0.60"},
  "steps": [{"from_gib_seconds": 6000000, "per_gib_second": "0.000015"}],
  "free": {"gib_seconds": 400000, "calls": 1000000, "prompt_tokens": 7, "completion_tokens": 8}})";

Result<AddPrices> read(const std::string& text) {
  const Result<json::value> value = parse_json(text);
  EXPECT_TRUE(value) << text;
  return add_prices_from_json(*value);
}

TEST(PriceJson, ReadsAllOfIt) {
  const Result<AddPrices> add = read(kWhole);
  ASSERT_TRUE(add) << add.error().message;
  const domain::PriceList& list = add->list;
  EXPECT_EQ(list.currency, "EUR");
  EXPECT_EQ(add->from, WallTime(std::chrono::sys_days(std::chrono::year(2027) / 1 / 1)));
  EXPECT_EQ(list.steps[0].per_gib_second, (domain::RunPrices{16'666'700, 9'000'000, 16'666'700, 20'000'000}));
  EXPECT_EQ(list.steps[1].from_mib_ms, 6'000'000 * domain::kMibMsPerGibSecond);
  EXPECT_EQ(list.steps[1].per_gib_second, (domain::RunPrices{15'000'000, 15'000'000, 15'000'000, 15'000'000}));
  EXPECT_EQ(list.init_per_gib_second, 1'000'000);
  EXPECT_EQ(list.per_call, 200'000);
  EXPECT_EQ(list.per_prompt_token, 150'000);
  EXPECT_EQ(list.per_completion_token, 600'000);
  EXPECT_EQ(list.free, (domain::Use{.mib_ms = 400'000 * domain::kMibMsPerGibSecond, .calls = 1'000'000, .prompt_tokens = 7, .completion_tokens = 8}));
}

TEST(PriceJson, RowsAndDocumentsAreReadBackAsTheyWere) {
  AddPrices add = *read(kWhole);
  add.list.version = 3;
  add.list.from = *add.from;
  const PriceRow row{.list = add.list, .state = "to_come"};
  EXPECT_EQ(*price_row_from_json(to_json(row)), row);
  const Result<AddPrices> again = add_prices_from_json(document_of(add.list));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->list.steps, add.list.steps);
  EXPECT_EQ(again->list.free, add.list.free);
  EXPECT_EQ(again->from, add.from);
}

TEST(PriceJson, WhatIsLeftOutCostsNothing) {
  const Result<AddPrices> add = read(R"({"per_gib_second": "0"})");
  ASSERT_TRUE(add) << add.error().message;
  EXPECT_EQ(add->list.per_call, 0);
  EXPECT_EQ(add->list.currency, "");
  EXPECT_FALSE(add->from);
  EXPECT_FALSE(add->list.counts_tokens());
}

TEST(PriceJson, SaysWhatIsWrong) {
  struct Row {
    const char* text;
    const char* param;
  };
  const Row rows[] = {{R"({})", "per_gib_second"},
                      {R"({"per_gib_second": 0.1})", "per_gib_second"},
                      {R"({"per_gib_second": "-1"})", "per_gib_second"},
                      {R"({"per_gib_second": {"cold": "1"}})", "per_gib_second.warm"},
                      {R"({"per_gib_second": {"warm": "1", "hot": "1"}})", "per_gib_second.hot"},
                      {R"({"per_gib_second": "1", "per_cal": "1"})", "per_cal"},
                      {R"({"per_gib_second": "1", "from": "soon"})", "from"},
                      {R"({"per_gib_second": "1", "per_million_tokens": {"prompt": "0.0000001"}})", "per_million_tokens.prompt"},
                      {R"({"per_gib_second": "1", "steps": [{"from_gib_seconds": 5}]})", "steps[0].per_gib_second"},
                      {R"({"per_gib_second": "1", "steps": [{"from_gib_seconds": 9007199254740993, "per_gib_second": "1"}]})", "steps[0].from_gib_seconds"},
                      {R"({"per_gib_second": "1", "free": {"calls": -1}})", "free.calls"},
                      {R"({"per_gib_second": "1", "free": []})", "free"}};
  for (const Row& row : rows) {
    const Result<AddPrices> add = read(row.text);
    ASSERT_FALSE(add) << row.text;
    EXPECT_EQ(add.error().param, row.param) << add.error().message;
  }
}

TEST(LimitJson, GoesBothWays) {
  const LimitRow row{
      .limit = {.whose = domain::BudgetOf::kKey, .name = "k", .of = domain::RateOf::kSpending, .amount = 500'000'000'000, .per = std::chrono::hours(1)},
      .running = 0,
      .used = 0.5};
  EXPECT_EQ(*limit_row_from_json(to_json(row)), row);
  EXPECT_EQ(put_limit_from_json(*parse_json(R"({"limit": "600/minute"})"), domain::RateOf::kRequests)->amount, 600);
  EXPECT_EQ(put_limit_from_json(*parse_json(R"({"limit": "600"})"), domain::RateOf::kRequests).error().param, "limit");
  EXPECT_EQ(put_limit_from_json(*parse_json(R"({"limits": "600"})"), domain::RateOf::kRequests).error().param, "limits");
}

}  // namespace
}  // namespace ebb::wire
