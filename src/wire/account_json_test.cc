// Tenants, keys and budgets to JSON and back.
#include "wire/account_json.h"

#include <gtest/gtest.h>

namespace ebb::wire {
namespace {

TEST(AccountJson, RowsComeBackAsTheyWere) {
  const domain::Tenant tenant{.name = "acme", .created = WallTime(seconds(1'700'000'000))};
  EXPECT_EQ(*tenant_from_json(to_json(tenant)), tenant);
  KeyRow row{.key = {.id = "0123456789ab",
                     .line = "ba9876543210",
                     .tenant = "acme",
                     .label = "the \"label\"\n",
                     .scopes = {domain::Scope::kInvoke, domain::Scope::kRead},
                     .highest = domain::Priority::kCritical,
                     .created = WallTime(seconds(1'700'000'000))}};
  EXPECT_EQ(*key_row_from_json(to_json(row)), row);
  EXPECT_FALSE(to_json(row).get_object().contains("key"));
  row.key.expires = row.key.revoked = WallTime(seconds(1'800'000'000));
  row.text = "ebb_…";
  EXPECT_EQ(*key_row_from_json(to_json(row)), row);
  BudgetRow budget{
      .budget = {.of = domain::BudgetOf::kKey, .name = "0123456789ab", .period = domain::Period::kDay, .zone = "Europe/Berlin", .amount = 10, .hard = false},
      .spent = 3,
      .held = 4,
      .begins = WallTime(seconds(1)),
      .ends = WallTime(seconds(2))};
  EXPECT_EQ(*budget_row_from_json(to_json(budget)), budget);
  EXPECT_EQ(to_json(budget).at("left").get_string(), "0.000000000003");
  budget.spent = 11;
  EXPECT_EQ(to_json(budget).at("left").get_string(), "0.00") << "never below zero";
}

TEST(AccountJson, EntriesOfTheLogComeBackAsTheyWere) {
  const domain::AuditEntry entry{.number = 7,
                                 .at = WallTime(seconds(1'700'000'000)),
                                 .key = "k",
                                 .tenant = "acme",
                                 .what = "denied",
                                 .subject = "/ebb/v1/keys",
                                 .status = 403,
                                 .times = 1'000'000,
                                 .link = "00ff"};
  EXPECT_EQ(*audit_entry_from_json(to_json(entry)), entry);
}

TEST(AccountJson, RequestsComeBackAsTheyWere) {
  const CreateKey create{
      .tenant = "acme", .label = "l", .scopes = {domain::Scope::kAdmin}, .highest = domain::Priority::kBatch, .expires_in = std::chrono::hours(24)};
  EXPECT_EQ(*create_key_from_json(to_json(create)), create);
  const RotateKey rotate{.overlap = milliseconds(0)};
  EXPECT_EQ(*rotate_key_from_json(to_json(rotate)), rotate);
  EXPECT_EQ(rotate_key_from_json(json::object())->overlap, std::chrono::hours(24));
  const PutBudget put{.amount = 1, .currency = "USD", .zone = "UTC", .hard = false};
  EXPECT_EQ(*put_budget_from_json(to_json(put)), put);
}

TEST(AccountJson, WhatIsWrongIsNamed) {
  struct Row {
    std::string_view text;
    std::string_view param;
  };
  for (const Row& row : {Row{R"({})", "tenant"}, Row{R"({"tenant":"a","scopes":"root"})", "scopes"}, Row{R"({"tenant":"a","scopes":7})", "scopes"},
                         Row{R"({"tenant":"a","expires_in":"-1d"})", "expires_in"}, Row{R"({"tenant":"a","expires_in":"4000d"})", "expires_in"},
                         Row{R"({"tenant":"a","priority":"high"})", "priority"}, Row{R"({"tenant":"a","role":"x"})", "role"}}) {
    const auto read = create_key_from_json(*parse_json(row.text));
    ASSERT_FALSE(read) << row.text;
    EXPECT_EQ(read.error().param, row.param) << row.text;
  }
  for (const Row& row : {Row{R"({})", "amount"}, Row{R"({"amount":5})", "amount"}, Row{R"({"amount":"-5"})", "amount"},
                         Row{R"({"amount":"1000000000000000000000000000000"})", "amount"}, Row{R"({"amount":"5","hard":"yes"})", "hard"},
                         Row{R"({"amount":"5","limit":"6"})", "limit"}}) {
    const auto read = put_budget_from_json(*parse_json(row.text));
    ASSERT_FALSE(read) << row.text;
    EXPECT_EQ(read.error().param, row.param) << row.text;
  }
}

}  // namespace
}  // namespace ebb::wire
