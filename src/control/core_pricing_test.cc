// Price lists and limits by rate through the whole core.
#include <gtest/gtest.h>

#include "control/world_for_test.h"

namespace ebb::control {
namespace {

using domain::BudgetOf;
using domain::Pico;
using domain::RateOf;

constexpr WallTime kNewYearsEve{std::chrono::sys_days(std::chrono::year(2026) / 12 / 31)};
constexpr Pico kEach = domain::kMibMsPerGibSecond;  // a price by which a MiB·ms costs 1

domain::PriceList list_of(int64_t version, WallTime from, Pico each, Pico per_call) {
  return {.version = version, .from = from, .steps = {{.per_gib_second = {each * kEach, 2 * each * kEach, each * kEach, each * kEach}}}, .per_call = per_call};
}

// An instance of 100 MiB serves each call at once.
struct Shop : World {
  Shop() {
    deploy_function("f", 4, {.max = 4}, {.queue = 10, .wait = seconds(5), .time = seconds(1)}, 100);
    const CallId first = ask();
    const auto serves = std::ranges::find(starts, 4, &StartWorker::slots);
    ready(unparks.empty() ? serves->worker : unparks.front().worker, 4);
    finish(first);
  }
  CallId ask(const std::string& tenant = {}) {
    const CallId id{next_call++};
    feed(CallArrived{.call = id, .endpoint = "f", .deadline = MonoTime::max(), .wall = wall(), .tenant = tenant});
    return id;
  }
  // A call that takes 10 ms, and what it costs: its MiB·ms are 1,000.
  Pico cost_of_one(const std::string& tenant = {}) {
    const CallId call = ask(tenant);
    pass(milliseconds(10));
    finish(call);
    return records.at(call).cost;
  }
  void limit(RateOf of, int64_t amount, nanoseconds per, BudgetOf whose = BudgetOf::kTenant, const std::string& name = "acme") {
    feed(RateSet{{.whose = whose, .name = name, .of = of, .amount = amount, .per = per}});
  }
  WallTime wall() const { return kNewYearsEve + std::chrono::floor<milliseconds>(now - MonoTime(seconds(1000))); }
  std::string code_of(CallId id) const { return errors.contains(id) ? errors.at(id).code : "none"; }
};

TEST(Pricing, ACallPaysByTheListThatWasInForceWhenItCame) {
  Shop shop;
  shop.feed(PricesSet{list_of(1, shop.wall(), 3, 7)});
  shop.feed(PricesSet{list_of(2, shop.wall() + milliseconds(5), 5, 0)});
  const CallId call = shop.ask();
  shop.pass(milliseconds(10));
  const CallId later = shop.ask();
  shop.finish(call);
  EXPECT_EQ(shop.records.at(call).cost, 3'000 + 7);
  EXPECT_EQ(shop.records.at(call).prices, 1);
  shop.pass(milliseconds(10));
  shop.finish(later);
  EXPECT_EQ(shop.records.at(later).cost, 5'000);
  EXPECT_EQ(shop.records.at(later).prices, 2);
}

TEST(Pricing, AClockThatIsSetBackBringsNoFormerListBack) {
  Shop shop;
  shop.feed(PricesSet{list_of(1, shop.wall() - std::chrono::hours(2), 3, 0)});
  shop.feed(PricesSet{list_of(2, shop.wall() - std::chrono::hours(1), 5, 0)});
  EXPECT_EQ(shop.cost_of_one(), 5'000);
  const CallId back{shop.next_call++};
  shop.feed(CallArrived{.call = back, .endpoint = "f", .deadline = MonoTime::max(), .wall = shop.wall() - std::chrono::minutes(90)});
  EXPECT_EQ(shop.state.prices, 2);
}

TEST(Pricing, WhatIsFreeAndTheStepsAreOfEachTenant) {
  Shop shop;
  domain::PriceList list = list_of(1, shop.wall(), 3, 7);
  list.steps.push_back({.from_mib_ms = 2'500, .per_gib_second = {kEach, kEach, kEach, kEach}});
  list.free = {.mib_ms = 500, .calls = 1};
  shop.feed(PricesSet{list});
  EXPECT_EQ(shop.cost_of_one("acme"), 500 * 3) << "half of it is free, and the call";
  EXPECT_EQ(shop.cost_of_one("acme"), 1'000 * 3 + 7);
  EXPECT_EQ(shop.cost_of_one("acme"), 500 * 3 + 500 + 7) << "the step is in the middle of it";
  EXPECT_EQ(shop.cost_of_one("other"), 500 * 3);
}

TEST(Pricing, WhatWasUsedBeforeTheStartCounts) {
  Shop shop;
  domain::PriceList list = list_of(1, shop.wall(), 3, 7);
  list.free = {.mib_ms = 1'500, .calls = 5};
  shop.feed(PricesSet{list});
  shop.feed(UsedBefore{.of_tenants = {{"acme", {.mib_ms = 1'000, .calls = 5}}}, .wall = shop.wall()});
  EXPECT_EQ(shop.cost_of_one("acme"), 500 * 3 + 7);
}

TEST(Pricing, AMonthBeginsWithAllThatIsFree) {
  Shop shop;
  domain::PriceList list = list_of(1, shop.wall(), 3, 0);
  list.free = {.mib_ms = 1'000};
  shop.feed(PricesSet{list});
  EXPECT_EQ(shop.cost_of_one("acme"), 0);
  EXPECT_EQ(shop.cost_of_one("acme"), 3'000);
  const CallId over{shop.next_call++};
  shop.feed(CallArrived{
      .call = over, .endpoint = "f", .deadline = MonoTime::max(), .wall = kNewYearsEve + std::chrono::hours(24) - milliseconds(5), .tenant = "acme"});
  shop.pass(milliseconds(10));
  shop.finish(over);
  EXPECT_EQ(shop.records.at(over).cost, 0) << "it ends in the new year";
}

TEST(Pricing, TheWorstCaseIsAtTheDearestStepWithNothingFree) {
  Shop shop;
  domain::PriceList list = list_of(1, shop.wall(), 1, 7);
  list.steps.push_back({.from_mib_ms = 1, .per_gib_second = {9 * kEach, 0, 0, 0}});
  list.free = {.mib_ms = 1'000'000'000, .calls = 1'000};
  shop.feed(PricesSet{list});
  const CallId call = shop.ask("acme");
  EXPECT_EQ(shop.state.calls.at(call).reserved, 6'500 * 100 * 9 + 7);
}

TEST(Pricing, ACallOnWhatIsProvisionedHasATierOfItsOwn) {
  World world;
  world.feed(PricesSet{list_of(1, kNewYearsEve, 3, 0)});
  domain::Scaling scaling{.max = 4};
  scaling.provisioned = 1;
  world.feed(ClockRead{.wall = kNewYearsEve});
  world.deploy_function("f", 1, scaling, {.queue = 10, .wait = seconds(5), .time = seconds(1)}, 100);
  world.ready(world.starts.front().worker, 1);
  world.feed(CallArrived{.call = CallId{77}, .endpoint = "f", .deadline = MonoTime::max(), .wall = kNewYearsEve});
  world.pass(milliseconds(10));
  world.finish(CallId{77});
  EXPECT_EQ(world.records.at(CallId{77}).tier, domain::Tier::kProvisioned);
  EXPECT_EQ(world.records.at(CallId{77}).cost, 2 * 3'000);
}

TEST(Rates, RequestsPastTheirRateAreRefusedUntilItComesBack) {
  Shop shop;
  shop.limit(RateOf::kRequests, 2, seconds(10));
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(shop.code_of(shop.ask("acme")), "none");
  const CallId third = shop.ask("acme");
  EXPECT_EQ(shop.code_of(third), "rate_limit_exceeded");
  EXPECT_EQ(shop.errors.at(third).retry_after, milliseconds(5'000));
  EXPECT_EQ(shop.code_of(shop.ask("other")), "none");
  shop.pass(seconds(5));
  EXPECT_EQ(shop.code_of(shop.ask("acme")), "none");
  shop.feed(RateRemoved{{.whose = BudgetOf::kTenant, .name = "acme", .of = RateOf::kRequests}});
  EXPECT_EQ(shop.code_of(shop.ask("acme")), "none");
}

TEST(Rates, ConcurrencyCountsThoseThatWereThereBefore) {
  Shop shop;
  const CallId before = shop.ask("acme");
  shop.limit(RateOf::kConcurrency, 2, nanoseconds(0));
  const CallId second = shop.ask("acme");
  EXPECT_EQ(shop.code_of(shop.ask("acme")), "rate_limit_exceeded");
  shop.finish(before);
  EXPECT_EQ(shop.code_of(shop.ask("acme")), "none");
  shop.finish(second);
  EXPECT_EQ(shop.state.rates.begin()->second.front().running, 1);
}

TEST(Rates, WhoSpendsTooFastIsStoppedAndItIsSaidOnce) {
  Shop shop;
  shop.feed(PricesSet{list_of(1, shop.wall(), 1, 0)});
  shop.limit(RateOf::kSpending, 1'500, std::chrono::hours(1), BudgetOf::kEndpoint, "f");
  EXPECT_EQ(shop.cost_of_one("acme"), 1'000);
  EXPECT_EQ(shop.cost_of_one("acme"), 1'000) << "something was left";
  EXPECT_EQ(shop.code_of(shop.ask("acme")), "spending_too_fast");
  int told = 0;
  for (const Decision& decision : shop.state.endpoints.at("f").journal.all())
    told += decision.what == "spending too fast" ? 1 : 0;
  EXPECT_EQ(told, 1);
  shop.pass(std::chrono::hours(1));
  EXPECT_EQ(shop.code_of(shop.ask("acme")), "none");
}

}  // namespace
}  // namespace ebb::control
