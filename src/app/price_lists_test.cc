// Price lists: which are taken, which is in force, what is kept.
#include "app/price_lists.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "gateway/fake_platform.h"
#include "io/folder_for_test.h"

namespace ebb::app {
namespace {

using std::chrono::hours;

class PriceListsTest : public testing::Test {
 protected:
  PriceListsTest() { open(); }
  void open() {
    lists_.reset();
    accounts_.reset();
    accounts_ = std::move(*store::Accounts::open(home_.path()));
    lists_ = std::make_unique<PriceLists>(*accounts_, platform_, clock_, settings_);
    started_ = lists_->start(anything_spent_);
  }
  static wire::AddPrices priced(domain::Pico per_call, std::optional<WallTime> from = {}) {
    return {.list = {.currency = "", .per_call = per_call}, .from = from};
  }
  std::string states() const {
    std::string all;
    for (const wire::PriceRow& row : lists_->list())
      all += fmt::format("{} {}; ", row.list.version, row.state);
    return all;
  }

  io::FolderForTest home_;
  io::FakeClock clock_;
  io::asio::io_context loop_;
  gateway::FakePlatform platform_{loop_.get_executor()};
  domain::PriceList settings_;
  bool anything_spent_ = true;
  std::unique_ptr<store::Accounts> accounts_;
  std::unique_ptr<PriceLists> lists_;
  Status started_;
};

TEST_F(PriceListsTest, EachIsInForceUntilTheNextBegins) {
  EXPECT_EQ(lists_->in_force().version, 0);
  ASSERT_TRUE(lists_->add(priced(1)));
  const auto next = lists_->add(priced(2, clock_.wall() + hours(1)));
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_EQ(next->state, "to_come");
  EXPECT_EQ(states(), "0 over; 1 in_force; 2 to_come; ");
  clock_.advance(hours(1));
  EXPECT_EQ(lists_->in_force().per_call, 2);
  open();
  EXPECT_EQ(states(), "0 over; 1 over; 2 in_force; ");
  EXPECT_EQ(lists_->in_force().per_call, 2);
}

TEST_F(PriceListsTest, NoneBeginsInThePastOrBeforeTheLast) {
  ASSERT_TRUE(lists_->add(priced(1, clock_.wall() + hours(2))));
  const auto past = lists_->add(priced(2, clock_.wall() - hours(1)));
  ASSERT_FALSE(past);
  EXPECT_EQ(past.error().param, "from");
  EXPECT_NE(past.error().message.find("do not change"), std::string::npos);
  for (const hours at : {hours(1), hours(2)}) {
    const auto earlier = lists_->add(priced(2, clock_.wall() + at));
    ASSERT_FALSE(earlier) << at.count();
    EXPECT_NE(earlier.error().message.find("`ebb price rm 1`"), std::string::npos) << earlier.error().message;
  }
  ASSERT_TRUE(lists_->remove(1));
  EXPECT_TRUE(lists_->add(priced(2, clock_.wall() + hours(1))));
  EXPECT_EQ(states(), "0 in_force; 2 to_come; ") << "no number is used twice";
}

TEST_F(PriceListsTest, OneThatCallsWereAcceptedByStays) {
  ASSERT_TRUE(lists_->add(priced(1)));
  EXPECT_EQ(lists_->remove(1).error().kind, ErrorKind::kExists);
  EXPECT_EQ(lists_->remove(0).error().kind, ErrorKind::kExists);
  EXPECT_EQ(lists_->remove(9).error().kind, ErrorKind::kNotFound);
}

TEST_F(PriceListsTest, CurrenciesAreNotMixed) {
  wire::AddPrices euros = priced(1);
  euros.list.currency = "EUR";
  EXPECT_EQ(lists_->add(euros).error().param, "currency");
  settings_.currency = "EUR";
  open();
  ASSERT_FALSE(started_);
  EXPECT_EQ(started_.error().param, "prices.currency");
  anything_spent_ = false;
  open();
  EXPECT_TRUE(started_) << "nothing was spent in dollars";
  anything_spent_ = true;
  open();
  EXPECT_TRUE(started_);
}

TEST_F(PriceListsTest, WhatIsNoneIsRefused) {
  wire::AddPrices gap = priced(1);
  gap.list.steps.push_back({.from_mib_ms = 0});
  EXPECT_EQ(lists_->add(gap).error().param, "steps");
  EXPECT_EQ(lists_->list().size(), 1U);
}

}  // namespace
}  // namespace ebb::app
