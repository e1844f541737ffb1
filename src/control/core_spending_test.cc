// Budgets through the whole core: what is held, what is spent, who is refused.
#include <gtest/gtest.h>

#include "control/world_for_test.h"

namespace ebb::control {
namespace {

using domain::BudgetId;
using domain::BudgetOf;
using domain::Period;
using domain::Pico;

constexpr WallTime kNoon{std::chrono::hours(24 * 365 * 56 + 12)};

domain::PriceList by_the_mib_ms(Pico each, Pico per_call) {
  const Pico price = each * domain::kMibMsPerGibSecond;
  return {.steps = {{.per_gib_second = {price, price, price, price}}}, .per_call = per_call};
}

// An instance of 100 MiB serves each call at once, for at most a second; a MiB for a millisecond costs 1.
struct Shop : World {
  Shop()
      : World([] {
          NodeConfig config = default_config();
          config.prices = by_the_mib_ms(1, 7);
          return config;
        }()) {
    deploy_function("f", 4, {.max = 4}, {.queue = 10, .wait = seconds(5), .time = seconds(1)}, 100);
    const CallId first = ask();
    const auto serves = std::ranges::find(starts, 4, &StartWorker::slots);
    ready(unparks.empty() ? serves->worker : unparks.front().worker, 4);
    finish(first);
  }

  CallId ask(const std::string& tenant = {}, const std::string& key = {}, std::optional<Pico> max_cost = {}) {
    const CallId id{next_call++};
    feed(CallArrived{.call = id, .endpoint = "f", .deadline = MonoTime::max(), .wall = wall(), .tenant = tenant, .key = key, .max_cost = max_cost});
    return id;
  }
  void budget(uint64_t id, BudgetOf of, const std::string& name, Pico amount, Period period = Period::kDay, bool hard = true, Pico spent = 0) {
    feed(BudgetSet{.budget = {.id = BudgetId{id}, .of = of, .name = name, .period = period, .amount = amount, .hard = hard}, .wall = wall()});
    feed(BudgetKnown{.budget = BudgetId{id}, .spent = spent});
  }
  WallTime wall() const { return kNoon + std::chrono::floor<milliseconds>(now - MonoTime(seconds(1000))); }
  const Purse& purse(uint64_t id) const { return state.purses.at(BudgetId{id}); }
  std::string code_of(CallId id) const { return errors.contains(id) ? errors.at(id).code : "none"; }

  // A second, the last word of a function, five seconds to end it: 6.5 s of 100 MiB, and the price of a call.
  static constexpr Pico kWorst = 6'500 * 100 + 7;
};

TEST(Spending, ACallHoldsItsWorstCaseAndSpendsWhatItCost) {
  Shop shop;
  shop.budget(1, BudgetOf::kTenant, "acme", 2 * Shop::kWorst);
  const CallId call = shop.ask("acme");
  EXPECT_EQ(shop.purse(1).held, Shop::kWorst);
  shop.pass(milliseconds(30));
  shop.finish(call);
  EXPECT_EQ(shop.purse(1).held, 0);
  EXPECT_EQ(shop.purse(1).spent, 30 * 100 + 7);
  EXPECT_EQ(shop.records.at(call).cost, 30 * 100 + 7);
  EXPECT_EQ(shop.records.at(call).tenant, "acme");
}

TEST(Spending, NobodyIsServedBeyondTheBudgetAndEverybodyWithinIt) {
  Shop shop;
  shop.budget(1, BudgetOf::kTenant, "acme", 2 * Shop::kWorst);
  const CallId first = shop.ask("acme");
  const CallId second = shop.ask("acme");
  const CallId third = shop.ask("acme");
  EXPECT_EQ(shop.code_of(first), "none");
  EXPECT_EQ(shop.code_of(second), "none") << "exactly as much as there is";
  EXPECT_EQ(shop.code_of(third), domain::kBudgetHeld) << "it may fit when one of them has ended";
  EXPECT_GT(shop.errors.at(third).retry_after, milliseconds(0));
  EXPECT_EQ(shop.code_of(shop.ask("other")), "none") << "budgets are of those that they name";
  shop.pass(milliseconds(1));
  shop.finish(first);
  shop.finish(second);
  const CallId fits = shop.ask("acme");
  EXPECT_EQ(shop.code_of(fits), "none");
  shop.finish(fits);
  shop.budget(1, BudgetOf::kTenant, "acme", shop.purse(1).spent + Shop::kWorst - 1);
  EXPECT_EQ(shop.code_of(shop.ask("acme")), domain::kOverBudget) << "a smallest part is missing";
  const Error& error = shop.errors.rbegin()->second;
  EXPECT_NE(error.message.find("tenant 'acme' for this day"), std::string::npos) << error.message;
  EXPECT_NE(error.message.find("begins anew at"), std::string::npos) << error.message;
  EXPECT_EQ(error.retry_after, std::chrono::hours(12) - milliseconds(1));
}

TEST(Spending, ABudgetOfNothingAndOneOfASmallestPartLetNobodyIn) {
  Shop shop;
  shop.budget(1, BudgetOf::kKey, "k0", 0);
  shop.budget(2, BudgetOf::kKey, "k1", 1);
  shop.budget(3, BudgetOf::kKey, "all", std::numeric_limits<Pico>::max());
  EXPECT_EQ(shop.code_of(shop.ask("acme", "k0")), domain::kOverBudget);
  EXPECT_EQ(shop.code_of(shop.ask("acme", "k1")), domain::kOverBudget);
  EXPECT_EQ(shop.code_of(shop.ask("acme", "all")), "none");
}

TEST(Spending, EachOfItsBudgetsMustHaveRoom) {
  Shop shop;
  shop.budget(1, BudgetOf::kTenant, "acme", 10 * Shop::kWorst);
  shop.budget(2, BudgetOf::kEndpoint, "f", Shop::kWorst);
  shop.ask("acme");
  EXPECT_EQ(shop.code_of(shop.ask("acme")), domain::kBudgetHeld);
  EXPECT_EQ(shop.purse(1).held, Shop::kWorst) << "who is refused holds nothing";
}

TEST(Spending, WhatIsNotPaidGivesBackAll) {
  Shop shop;
  shop.budget(1, BudgetOf::kTenant, "acme", 10 * Shop::kWorst);
  const CallId left = shop.ask("acme");
  shop.feed(CallLeft{left});
  shop.finish(left, domain::Outcome::kOk);
  EXPECT_EQ(shop.purse(1).held, 0);
  const CallId fault = shop.ask("acme");
  shop.pass(milliseconds(50));
  const Pico before = shop.purse(1).spent;
  shop.die(shop.running.at(fault));
  shop.feed(CallLeft{fault});  // it would be tried again
  EXPECT_EQ(shop.purse(1).spent, before) << "the platform's fault costs nothing";
  EXPECT_EQ(shop.purse(1).held, 0);
}

TEST(Spending, ACallCostsNoMoreThanWasHeldForIt) {
  Shop shop;
  shop.budget(1, BudgetOf::kTenant, "acme", Shop::kWorst);
  const CallId call = shop.ask("acme");
  shop.now += seconds(3600);  // nobody was awake to end it
  shop.finish(call);
  EXPECT_EQ(shop.records.at(call).cost, Shop::kWorst);
  EXPECT_EQ(shop.purse(1).spent, Shop::kWorst);
}

TEST(Spending, TheNextPeriodBeginsAnewAndGoesOnHolding) {
  Shop shop;
  shop.budget(1, BudgetOf::kTenant, "acme", 3 * Shop::kWorst, Period::kHour, true, 2 * Shop::kWorst);
  const CallId over_the_hour = shop.ask("acme");
  EXPECT_EQ(shop.code_of(over_the_hour), "none");
  shop.now += std::chrono::hours(1) - milliseconds(1);
  EXPECT_EQ(shop.code_of(shop.ask("acme")), domain::kBudgetHeld);
  shop.now += milliseconds(1);
  const CallId next = shop.ask("acme");
  EXPECT_EQ(shop.code_of(next), "none");
  EXPECT_EQ(shop.purse(1).held, 2 * Shop::kWorst) << "what is not over is spent in the period in which it ends";
  EXPECT_EQ(shop.purse(1).spent, 0);
  shop.now -= std::chrono::hours(2);  // a clock that is set back opens no period anew
  EXPECT_EQ(shop.code_of(shop.ask("acme")), "none");
  EXPECT_EQ(shop.purse(1).held, 3 * Shop::kWorst);
  EXPECT_EQ(shop.code_of(shop.ask("acme")), domain::kBudgetHeld);
}

TEST(Spending, ANewBudgetHoldsForCallsThatRunAndIsClosedUntilItIsKnown) {
  Shop shop;
  const CallId before = shop.ask("acme");
  shop.feed(BudgetSet{.budget = {.id = BudgetId{1}, .name = "acme", .amount = 100 * Shop::kWorst}, .wall = shop.wall()});
  EXPECT_EQ(shop.purse(1).held, Shop::kWorst);
  const CallId early = shop.ask("acme");
  EXPECT_EQ(shop.errors.at(early).kind, ErrorKind::kUnavailable);
  EXPECT_EQ(shop.code_of(early), domain::kBudgetUnknown);
  shop.pass(milliseconds(10));
  shop.finish(before);
  shop.feed(BudgetKnown{.budget = BudgetId{1}, .spent = 500});
  EXPECT_EQ(shop.purse(1).spent, 500 + 10 * 100 + 7);
  shop.feed(BudgetKnown{.budget = BudgetId{1}, .spent = 500});
  EXPECT_EQ(shop.purse(1).spent, 500 + 10 * 100 + 7) << "once";
}

TEST(Spending, WhatWasSpentInAnEarlierPeriodIsNotCountedInTheNext) {
  Shop shop;
  shop.feed(BudgetSet{.budget = {.id = BudgetId{1}, .name = "acme", .period = Period::kHour, .amount = 2 * Shop::kWorst}, .wall = shop.wall()});
  const CallId last = shop.ask("acme");
  EXPECT_EQ(shop.code_of(last), domain::kBudgetUnknown);
  shop.now += std::chrono::hours(1);
  EXPECT_EQ(shop.code_of(shop.ask("acme")), "none") << "nothing was spent in this hour before the budget was set";
  shop.feed(BudgetKnown{.budget = BudgetId{1}, .spent = 2 * Shop::kWorst});  // of the hour in which it was set
  EXPECT_EQ(shop.purse(1).spent, 0);
  EXPECT_EQ(shop.code_of(shop.ask("acme")), "none");
}

TEST(Spending, AnotherAmountHoldsAtOnceAndARemovedBudgetNoMore) {
  Shop shop;
  shop.budget(1, BudgetOf::kTenant, "acme", 0);
  EXPECT_EQ(shop.code_of(shop.ask("acme")), domain::kOverBudget);
  shop.budget(1, BudgetOf::kTenant, "acme", Shop::kWorst);
  const CallId call = shop.ask("acme");
  EXPECT_EQ(shop.code_of(call), "none");
  shop.feed(BudgetRemoved{BudgetId{1}});
  EXPECT_EQ(shop.code_of(shop.ask("acme")), "none");
  shop.finish(call);  // what it held is gone with the budget
  EXPECT_TRUE(shop.state.purses_of.empty());
}

TEST(Spending, ABudgetThatReturnsHoldsOnceForCallsThatWereThereBefore) {
  Shop shop;
  shop.budget(1, BudgetOf::kTenant, "acme", 10 * Shop::kWorst);
  const CallId call = shop.ask("acme");
  shop.feed(BudgetRemoved{BudgetId{1}});
  shop.budget(1, BudgetOf::kTenant, "acme", 10 * Shop::kWorst);  // ids may be given anew
  EXPECT_EQ(shop.purse(1).held, Shop::kWorst);
  shop.finish(call);
  EXPECT_EQ(shop.purse(1).held, 0);
}

TEST(Spending, ABudgetThatIsNotHardIsToldOnceForEachPeriod) {
  Shop shop;
  shop.budget(1, BudgetOf::kTenant, "acme", 1, Period::kHour, false);
  const auto told = [&] {
    int times = 0;
    for (const Decision& decision : shop.state.endpoints.at("f").journal.all())
      times += decision.what == "over budget" ? 1 : 0;
    return times;
  };
  for (int i = 0; i < 3; ++i)
    shop.finish(shop.ask("acme"));
  EXPECT_EQ(told(), 1);
  shop.now += std::chrono::hours(1);
  shop.finish(shop.ask("acme"));
  EXPECT_EQ(told(), 2);
}

TEST(Spending, ACallersOwnLimitIsKeptAndSaysWhatWouldFit) {
  Shop shop;
  EXPECT_EQ(shop.code_of(shop.ask("", "", Shop::kWorst)), "none");
  const CallId call = shop.ask("", "", Shop::kWorst - 1);
  ASSERT_TRUE(shop.errors.contains(call));
  EXPECT_EQ(shop.errors.at(call).kind, ErrorKind::kInvalid);
  EXPECT_EQ(shop.errors.at(call).param, "Ebb-Max-Cost");
  EXPECT_NE(shop.errors.at(call).message.find("of at most 1499ms"), std::string::npos) << shop.errors.at(call).message;
  const CallId short_one{shop.next_call++};
  shop.feed(CallArrived{.call = short_one, .endpoint = "f", .deadline = shop.now + milliseconds(1'499), .wall = shop.wall(), .max_cost = Shop::kWorst - 1});
  EXPECT_FALSE(shop.errors.contains(short_one)) << "what it says would fit does";
}

}  // namespace
}  // namespace ebb::control
