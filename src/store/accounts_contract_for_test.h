// What every back end of the accounts must do. A back end is a type with `Result<std::unique_ptr<…>> open()`, whose later calls find what the earlier ones
// stored, and which goes with its test.
#pragma once

#include <gtest/gtest.h>

#include "store/accounts.h"

namespace ebb::store {

template <class Backend>
class AccountsContract : public testing::Test {
 protected:
  AccountsContract() { open(); }
  void open() {
    accounts_.reset();
    auto accounts = backend_.open();
    ASSERT_TRUE(accounts) << accounts.error().message;
    accounts_ = std::move(*accounts);
  }
  static StoredKey key(const std::string& id, const std::string& tenant) {
    return {.key = {.id = id,
                    .line = id,
                    .tenant = tenant,
                    .label = "O'Brien \"x\"; DROP TABLE keys; \xC3\xA4",
                    .scopes = {domain::Scope::kInvoke, domain::Scope::kDeploy},
                    .highest = domain::Priority::kBatch,
                    .created = WallTime(milliseconds(1'700'000'000'123)),
                    .expires = WallTime(milliseconds(1'800'000'000'456))},
            .hash = "00ff"};
  }

  Backend backend_;
  decltype(std::declval<Backend&>().open())::value_type accounts_;
};
TYPED_TEST_SUITE_P(AccountsContract);

TYPED_TEST_P(AccountsContract, KeepsWhatItIsGiven) {
  auto& self = *this;
  ASSERT_TRUE(self.accounts_->put_tenant({.name = "acme", .created = WallTime(milliseconds(1'700'000'000'123))}));
  EXPECT_EQ(self.accounts_->put_tenant({.name = "acme"}).error().kind, ErrorKind::kExists);
  StoredKey one = self.key("one", "acme");
  const StoredKey two = self.key("two", "acme");
  ASSERT_TRUE(self.accounts_->put_keys({one, two}));
  one.key.revoked = WallTime(milliseconds(1'700'000'000'999));
  one.key.expires.reset();
  ASSERT_TRUE(self.accounts_->put_keys({one}));
  self.open();
  EXPECT_EQ(self.accounts_->tenants()->front().created, WallTime(milliseconds(1'700'000'000'123)));
  EXPECT_EQ(*self.accounts_->keys(), (std::vector{one, two}));
}

TYPED_TEST_P(AccountsContract, BudgetsHaveIdsThatAreNeverUsedTwice) {
  auto& self = *this;
  domain::Budget budget{.name = "acme", .period = domain::Period::kDay, .zone = "Europe/Berlin", .amount = 5, .hard = false};
  const auto first = self.accounts_->add_budget(budget);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_TRUE(first->id);
  EXPECT_EQ(self.accounts_->add_budget(budget).error().kind, ErrorKind::kExists);
  budget = *first;
  budget.amount = std::numeric_limits<domain::Pico>::max();
  budget.hard = true;
  ASSERT_TRUE(self.accounts_->change_budget(budget));
  self.open();
  EXPECT_EQ(*self.accounts_->budgets(), std::vector{budget});
  ASSERT_TRUE(self.accounts_->delete_budget(budget.id));
  ASSERT_TRUE(self.accounts_->delete_budget(budget.id)) << "also when it is not there";
  EXPECT_GT(self.accounts_->add_budget(budget)->id, budget.id);
}

TYPED_TEST_P(AccountsContract, ATenantGoesWithAllThatIsIts) {
  auto& self = *this;
  for (const char* name : {"acme", "other"}) {
    ASSERT_TRUE(self.accounts_->put_tenant({.name = name}));
    ASSERT_TRUE(self.accounts_->put_keys({self.key(std::string("key-") + name, name)}));
    ASSERT_TRUE(self.accounts_->add_budget({.of = domain::BudgetOf::kTenant, .name = name}));
    ASSERT_TRUE(self.accounts_->add_budget({.of = domain::BudgetOf::kKey, .name = std::string("key-") + name}));
    ASSERT_TRUE(self.accounts_->add_budget({.of = domain::BudgetOf::kEndpoint, .name = name}));
    ASSERT_TRUE(self.accounts_->put_limit({.whose = domain::BudgetOf::kTenant, .name = name}));
    ASSERT_TRUE(self.accounts_->put_limit({.whose = domain::BudgetOf::kKey, .name = std::string("key-") + name}));
  }
  ASSERT_TRUE(self.accounts_->delete_tenant("acme"));
  EXPECT_EQ(self.accounts_->tenants()->size(), 1U);
  EXPECT_EQ(self.accounts_->keys()->front().key.id, "key-other");
  EXPECT_EQ(self.accounts_->budgets()->size(), 4U) << "an endpoint of the same name is another's";
  EXPECT_EQ(self.accounts_->limits()->size(), 2U);
}

TYPED_TEST_P(AccountsContract, TheLogOfWhoDidWhatIsAChain) {
  auto& self = *this;
  EXPECT_TRUE(self.accounts_->audit(0, 10)->empty());
  for (int i = 1; i <= 5; ++i)
    ASSERT_TRUE(self.accounts_->add_audit({.at = WallTime(milliseconds(i)), .key = "k", .what = "PUT", .subject = "/x", .status = 200}));
  self.open();
  const auto all = *self.accounts_->audit(0, 10);
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all[4].number, 5);
  EXPECT_EQ(all[4].at, WallTime(milliseconds(5)));
  EXPECT_NE(all[3].link, all[4].link);
  EXPECT_EQ(self.accounts_->audit(3, 1)->front(), all[3]);
  EXPECT_TRUE(self.accounts_->audit(5, 10)->empty());
}

TYPED_TEST_P(AccountsContract, PriceListsHaveVersionsThatAreNeverUsedTwice) {
  auto& self = *this;
  EXPECT_TRUE(self.accounts_->price_lists()->empty());
  const StoredPrices one{.from = WallTime(milliseconds(1'700'000'000'123)), .document = "{\"note\": \"'; DROP TABLE price_lists\"}"};
  const int64_t first = *self.accounts_->add_prices(one);
  const int64_t second = *self.accounts_->add_prices(one);
  EXPECT_GT(first, 0);
  EXPECT_GT(second, first);
  ASSERT_TRUE(self.accounts_->delete_prices(second));
  self.open();
  EXPECT_EQ(*self.accounts_->price_lists(), (std::vector{StoredPrices{.version = first, .from = one.from, .document = one.document}}));
  EXPECT_GT(*self.accounts_->add_prices(one), second);
}

TYPED_TEST_P(AccountsContract, TheCurrencyIsKept) {
  auto& self = *this;
  EXPECT_EQ(*self.accounts_->currency(), "");
  ASSERT_TRUE(self.accounts_->set_currency("EUR"));
  ASSERT_TRUE(self.accounts_->set_currency("USD"));
  self.open();
  EXPECT_EQ(*self.accounts_->currency(), "USD");
}

TYPED_TEST_P(AccountsContract, LimitsAreOnePerNameAndKind) {
  auto& self = *this;
  domain::RateLimit limit{.whose = domain::BudgetOf::kKey, .name = "k", .of = domain::RateOf::kTokens, .amount = 5, .per = std::chrono::minutes(1)};
  ASSERT_TRUE(self.accounts_->put_limit(limit));
  limit.amount = 7;
  ASSERT_TRUE(self.accounts_->put_limit(limit));
  domain::RateLimit other = limit;
  other.of = domain::RateOf::kConcurrency;
  other.per = nanoseconds(0);
  ASSERT_TRUE(self.accounts_->put_limit(other));
  self.open();
  EXPECT_EQ(*self.accounts_->limits(), (std::vector{other, limit}));
  ASSERT_TRUE(self.accounts_->delete_limit(other));
  ASSERT_TRUE(self.accounts_->delete_limit(other)) << "also when it is not there";
  EXPECT_EQ(*self.accounts_->limits(), std::vector{limit});
}

REGISTER_TYPED_TEST_SUITE_P(AccountsContract, PriceListsHaveVersionsThatAreNeverUsedTwice, TheCurrencyIsKept, LimitsAreOnePerNameAndKind,
                            TheLogOfWhoDidWhatIsAChain, KeepsWhatItIsGiven, BudgetsHaveIdsThatAreNeverUsedTwice, ATenantGoesWithAllThatIsIts);

}  // namespace ebb::store
