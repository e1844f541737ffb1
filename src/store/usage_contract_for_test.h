// What every back end of the usage store must do. A back end is a type with `Result<std::unique_ptr<…>> open()`, whose later calls
// find what the earlier ones stored, and which goes with its test.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <random>
#include <tuple>

#include "store/usage_store.h"

namespace ebb::store {

// 2023-11-14 22:13:20 UTC
inline constexpr WallTime kUsageBeginForTest{seconds(1'700'000'000)};

// A record whose every field follows from its id.
inline domain::UsageRecord usage_for_test(uint64_t id, const std::string& endpoint, WallTime ended) {
  const auto n = static_cast<int64_t>(id);
  const std::array tiers{domain::Tier::kWarm, domain::Tier::kParked, domain::Tier::kCold};
  const std::array outcomes{domain::Outcome::kOk, domain::Outcome::kLeft, domain::Outcome::kTimeout, domain::Outcome::kRefused, domain::Outcome::kFault};
  return {.call = CallId{id},
          .endpoint = endpoint,
          .revision = RevisionId{id + 1},
          .ended = ended,
          .tier = tiers[id % tiers.size()],
          .outcome = outcomes[id % outcomes.size()],
          .queued = nanoseconds(n + 2),
          .start = nanoseconds(n + 3),
          .busy = nanoseconds(n + 4),
          .first_byte = nanoseconds(n + 5),
          .total = nanoseconds(n + 6),
          .billed_ms = n + 7,
          .memory_mib = n + 8,
          .cost = n + 9,
          .prompt_tokens = n + 10,
          .completion_tokens = n + 11,
          .tenant = id % 4 == 0 ? "" : "t" + std::to_string(id % 4),
          .key = id % 4 == 0 ? "" : "k" + std::to_string(id % 8),
          .prices = 0,
          .list_cost = n + 9};
}

inline domain::UsageRecord usage_for_test(uint64_t id, const std::string& endpoint = "chat") {
  return usage_for_test(id, endpoint, kUsageBeginForTest + seconds(id));
}

// The same bill, the slow and obvious way.
inline std::vector<BillRow> bill_for_test(const std::vector<domain::UsageRecord>& records, const BillFilter& filter) {
  std::map<std::tuple<std::string, std::string, std::string, std::string, std::string>, BillRow> rows;
  if (!filter.by_endpoint && !filter.by_day && !filter.by_tier && !filter.by_tenant && !filter.by_key) rows[{}];
  for (const domain::UsageRecord& record : records) {
    if (filter.endpoint && record.endpoint != *filter.endpoint) continue;
    if ((filter.tenant && record.tenant != *filter.tenant) || (filter.key && record.key != *filter.key)) continue;
    if ((filter.from && record.ended < *filter.from) || (filter.to && record.ended >= *filter.to)) continue;
    const std::string endpoint = filter.by_endpoint ? record.endpoint : "";
    const std::string day = filter.by_day ? day_of(std::chrono::floor<std::chrono::hours>(record.ended)) : "";
    const std::string tier = filter.by_tier ? std::string(to_string(record.tier)) : "";
    const std::string tenant = filter.by_tenant ? record.tenant : "";
    const std::string key = filter.by_key ? record.key : "";
    BillRow& row = rows[{endpoint, day, tier, tenant, key}];
    row.tenant = tenant;
    row.key = key;
    row.endpoint = endpoint;
    row.day = day;
    row.tier = tier;
    ++row.calls;
    row.faults += record.outcome == domain::Outcome::kFault ? 1 : 0;
    row.billed_ms += record.billed_ms;
    row.mib_ms += record.billed_ms * record.memory_mib;
    row.busy_ns += record.busy.count();
    row.cost += record.cost;
    row.list_cost += record.list_cost;
    row.prompt_tokens += record.prompt_tokens;
    row.completion_tokens += record.completion_tokens;
  }
  std::vector<BillRow> bill;
  for (auto& [key, row] : rows)
    bill.push_back(row);
  return bill;
}

template <class Backend>
class UsageContract : public ::testing::Test {
 protected:
  auto open() {
    auto store = backend_.open();
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  Backend backend_;
};

TYPED_TEST_SUITE_P(UsageContract);

TYPED_TEST_P(UsageContract, BeginsEmpty) {
  const auto store = this->open();
  EXPECT_EQ(*store->bill({}), std::vector<BillRow>(1));
  EXPECT_TRUE(store->bill({.by_endpoint = true})->empty());
  EXPECT_TRUE(store->totals()->empty());
  EXPECT_TRUE(store->recent("chat", 10)->empty());
  EXPECT_EQ(*store->highest_call_id(), 0U);
  EXPECT_EQ(*store->append({}), Appended{});
}

TYPED_TEST_P(UsageContract, RecordsComeBackAsTheyWereNewestFirst) {
  const std::vector<domain::UsageRecord> records = {usage_for_test(1), usage_for_test(2), usage_for_test(3, "other"), usage_for_test(4)};
  ASSERT_EQ(*this->open()->append(records), (Appended{.written = 4}));
  const auto store = this->open();
  EXPECT_EQ(*store->recent("chat", 10), (std::vector{records[3], records[1], records[0]}));
  EXPECT_EQ(*store->recent("chat", 2), (std::vector{records[3], records[1]}));
  EXPECT_EQ(*store->recent("other", 10), std::vector{records[2]});
  EXPECT_EQ(*store->highest_call_id(), 4U);
  EXPECT_EQ(store->totals()->at("chat"), (EndpointTotals{.calls = 3, .cost = 1 + 2 + 4 + 27, .last_ended = records[3].ended}));
  EXPECT_EQ(store->totals()->size(), 2U);
}

TYPED_TEST_P(UsageContract, WhatWasUsedIsWhatWasPaidFor) {
  const auto store = this->open();
  const auto from = std::chrono::ceil<std::chrono::hours>(kUsageBeginForTest);
  std::vector<domain::UsageRecord> records;
  std::map<std::string, domain::Use> used;
  for (uint64_t id = 1; id <= 60; ++id) {
    domain::UsageRecord record = usage_for_test(id, "chat", kUsageBeginForTest + std::chrono::minutes(id * 5));
    if (id % 7 == 0) record.tier = domain::Tier::kInit;
    // As the core writes them: what is not paid for has no time and no tokens.
    const bool paid = record.outcome != domain::Outcome::kFault && record.outcome != domain::Outcome::kRefused;
    if (!paid) record.billed_ms = record.prompt_tokens = record.completion_tokens = record.cost = record.list_cost = 0;
    record.prices = static_cast<int64_t>(id % 3);
    if (paid) record.list_cost += 5;
    if (record.ended >= from && use_of(record) != domain::Use{}) used[record.tenant] += use_of(record);
    records.push_back(std::move(record));
  }
  ASSERT_TRUE(store->append(records));
  EXPECT_EQ(*store->used_since(from), used);
  EXPECT_EQ(*store->find(records[4].call), records[4]) << "with its price list";
  domain::Pico list_cost = 0;
  for (const domain::UsageRecord& record : records)
    list_cost += record.list_cost;
  EXPECT_EQ(store->bill({})->front().list_cost, list_cost);
}

TYPED_TEST_P(UsageContract, SumsOfEqualTimesAreThoseOfTheHours) {
  const auto store = this->open();
  const auto from = std::chrono::floor<std::chrono::hours>(kUsageBeginForTest);
  std::vector<domain::UsageRecord> records;
  std::vector<domain::Pico> sums(3, 0);
  for (uint64_t id = 1; id <= 80; ++id) {
    records.push_back(usage_for_test(id, id % 2 == 0 ? "chat" : "other", kUsageBeginForTest + std::chrono::minutes(id * 5)));
    const auto place = static_cast<size_t>((records.back().ended - from) / std::chrono::hours(2));
    if (id % 2 == 0 && place < sums.size()) sums[place] += records.back().cost;
  }
  ASSERT_TRUE(store->append(records));
  EXPECT_EQ(*store->spent_in({.of = domain::BudgetOf::kEndpoint, .name = "chat"}, from, std::chrono::hours(2), 3), sums);
  EXPECT_EQ(*store->spent_in({.of = domain::BudgetOf::kKey, .name = "nobody"}, from, std::chrono::hours(2), 2), (std::vector<domain::Pico>{0, 0}));
}

TYPED_TEST_P(UsageContract, ARecordIsFoundByItsCall) {
  const auto store = this->open();
  const std::vector<domain::UsageRecord> records = {usage_for_test(1), usage_for_test(2, "other")};
  ASSERT_TRUE(store->append(records));
  EXPECT_EQ(*store->find(CallId{2}), records[1]);
  EXPECT_EQ(*store->find(CallId{3}), std::nullopt);
  EXPECT_EQ(*store->find(CallId{1}), records[0]);
}

// Pages of any size give each record once, in order, whatever ended in the same moment.
TYPED_TEST_P(UsageContract, PagesAreTheRecordsInTheOrderOfTheirEnds) {
  const auto store = this->open();
  std::vector<domain::UsageRecord> records;
  for (uint64_t id = 1; id <= 60; ++id)
    records.push_back(usage_for_test(id, id % 3 == 0 ? "other" : "chat", kUsageBeginForTest + milliseconds(id * 7 % 10)));
  ASSERT_TRUE(store->append(records));
  std::ranges::sort(records, {}, [](const domain::UsageRecord& record) { return std::pair(record.ended, record.call); });
  const auto from = kUsageBeginForTest + milliseconds(2);
  const auto to = kUsageBeginForTest + milliseconds(8);
  for (const int64_t limit : {1, 7, 60, 100}) {
    for (const int narrowed : {0, 1, 2}) {
      std::vector<domain::UsageRecord> wanted = records;
      UsagePage page{.limit = limit};
      if (narrowed == 2) {
        std::erase_if(wanted, [&](const domain::UsageRecord& record) { return record.tenant != "t2"; });
        page.tenant = "t2";
      } else if (narrowed == 1) {
        std::erase_if(wanted, [&](const domain::UsageRecord& record) { return record.endpoint != "chat" || record.ended < from || record.ended >= to; });
        page = {.endpoint = "chat", .tenant = {}, .from = from, .to = to, .after = {}, .limit = limit};
      }
      std::vector<domain::UsageRecord> got;
      for (bool more = true; more;) {
        const std::vector<domain::UsageRecord> some = *store->page(page);
        got.insert(got.end(), some.begin(), some.end());
        more = some.size() == static_cast<size_t>(limit);
        if (!some.empty()) page.after = {.ended = some.back().ended, .call = some.back().call};
      }
      EXPECT_EQ(got, wanted) << limit << narrowed;
    }
  }
}

TYPED_TEST_P(UsageContract, ACallIsWrittenAndBilledOnce) {
  const auto store = this->open();
  const std::vector<domain::UsageRecord> records = {usage_for_test(1), usage_for_test(2)};
  ASSERT_EQ(*store->append(records), (Appended{.written = 2}));
  domain::UsageRecord other = usage_for_test(2, "other");
  other.cost = 1'000'000;
  const std::vector<domain::UsageRecord> again = {usage_for_test(1), other, usage_for_test(3), usage_for_test(3)};
  EXPECT_EQ(*store->append(again), (Appended{.written = 1, .existing = 3}));
  EXPECT_EQ(*store->bill({.by_endpoint = true}), bill_for_test({records[0], records[1], usage_for_test(3)}, {.by_endpoint = true}));
}

TYPED_TEST_P(UsageContract, SumsStopAtTheLargestValue) {
  const auto store = this->open();
  std::vector<domain::UsageRecord> dear = {usage_for_test(1), usage_for_test(2), usage_for_test(3, "chat", kUsageBeginForTest + std::chrono::days(3))};
  for (domain::UsageRecord& record : dear)
    record.cost = std::numeric_limits<domain::Pico>::max() - 1;
  ASSERT_TRUE(store->append(dear));
  EXPECT_EQ(store->bill({})->front().cost, std::numeric_limits<domain::Pico>::max());
  EXPECT_EQ(store->totals()->at("chat").cost, std::numeric_limits<domain::Pico>::max());
}

// Every filter and every grouping over a random history, against the slow way.
TYPED_TEST_P(UsageContract, BillsAreTheSumsOfTheirRecords) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto time = [&random] {
    // Many at whole hours, where ranges are cut, and a clock that jumps back and forth.
    const WallTime any = kUsageBeginForTest + milliseconds(random() % (4ULL * 86'400'000));
    return random() % 4 == 0 ? WallTime(std::chrono::floor<std::chrono::hours>(any)) : any;
  };
  const auto endpoint = [&random] { return "e" + std::to_string(random() % 3); };
  std::vector<domain::UsageRecord> records;
  for (uint64_t id = 1; id <= 500; ++id)
    records.push_back(usage_for_test(id, endpoint(), time()));
  const auto store = this->open();
  for (size_t from = 0; from < records.size();) {
    const size_t count = std::min<size_t>(random() % 50, records.size() - from);
    ASSERT_TRUE(store->append(std::span(records).subspan(from, count)));
    from += count;
  }
  for (int i = 0; i < 300; ++i) {
    BillFilter filter{.by_endpoint = random() % 2 == 0, .by_day = random() % 2 == 0, .by_tier = random() % 2 == 0};
    filter.by_tenant = random() % 3 == 0;
    filter.by_key = random() % 3 == 0;
    if (random() % 4 == 0) filter.tenant = random() % 4 == 0 ? "" : "t" + std::to_string(random() % 4);
    if (random() % 6 == 0) filter.key = "k" + std::to_string(random() % 8);
    if (random() % 3 == 0) filter.endpoint = endpoint();
    if (random() % 2 == 0) filter.from = time();
    if (random() % 2 == 0) filter.to = filter.from && random() % 2 == 0 ? *filter.from + milliseconds(random() % 5'000'000) : time();
    EXPECT_EQ(*store->bill(filter), bill_for_test(records, filter))
        << filter.by_endpoint << filter.by_day << filter.by_tier << " " << filter.endpoint.value_or("-") << " "
        << (filter.from ? filter.from->time_since_epoch().count() : -1) << " " << (filter.to ? filter.to->time_since_epoch().count() : -1);
  }
}

TYPED_TEST_P(UsageContract, WhatABudgetHasSpentIsTheSumOfItsRecordsInTheSpan) {
  const auto store = this->open();
  std::vector<domain::UsageRecord> records;
  for (uint64_t id = 1; id <= 40; ++id)
    records.push_back(usage_for_test(id, id % 2 == 0 ? "chat" : "other", kUsageBeginForTest + std::chrono::minutes(id * 7)));
  ASSERT_TRUE(store->append(records));
  const domain::Span span{.from = kUsageBeginForTest + std::chrono::minutes(30), .to = kUsageBeginForTest + std::chrono::minutes(200)};
  const auto sum = [&](auto counts) {
    domain::Pico cost = 0;
    for (const domain::UsageRecord& record : records)
      cost += counts(record) ? record.cost : 0;
    return cost;
  };
  EXPECT_EQ(*store->spent({.of = domain::BudgetOf::kTenant, .name = "t1"}, span), sum([&](const auto& r) { return r.tenant == "t1" && span.has(r.ended); }));
  EXPECT_EQ(*store->spent({.of = domain::BudgetOf::kKey, .name = "k5"}, span), sum([&](const auto& r) { return r.key == "k5" && span.has(r.ended); }));
  EXPECT_EQ(*store->spent({.of = domain::BudgetOf::kEndpoint, .name = "chat"}, {.from = WallTime{}, .to = WallTime::max()}),
            sum([&](const auto& r) { return r.endpoint == "chat"; }));
  EXPECT_EQ(*store->spent({.of = domain::BudgetOf::kTenant, .name = "nobody"}, span), 0);
}

TYPED_TEST_P(UsageContract, DaysAreThoseOfUtc) {
  const auto store = this->open();
  const WallTime midnight{std::chrono::sys_days{std::chrono::year{2024} / 2 / 29}};
  const std::vector<domain::UsageRecord> records = {usage_for_test(1, "a", midnight - milliseconds(1)), usage_for_test(2, "a", midnight),
                                                    usage_for_test(3, "a", WallTime(milliseconds(-1)))};
  ASSERT_TRUE(store->append(records));
  const std::vector<BillRow> bill = *store->bill({.by_day = true});
  ASSERT_EQ(bill.size(), 3U);
  EXPECT_EQ(bill[0].day, "1969-12-31");
  EXPECT_EQ(bill[1].day, "2024-02-28");
  EXPECT_EQ(bill[2].day, "2024-02-29");
}

REGISTER_TYPED_TEST_SUITE_P(UsageContract, WhatWasUsedIsWhatWasPaidFor, SumsOfEqualTimesAreThoseOfTheHours, BeginsEmpty, RecordsComeBackAsTheyWereNewestFirst,
                            ARecordIsFoundByItsCall, PagesAreTheRecordsInTheOrderOfTheirEnds, ACallIsWrittenAndBilledOnce, SumsStopAtTheLargestValue,
                            BillsAreTheSumsOfTheirRecords, WhatABudgetHasSpentIsTheSumOfItsRecordsInTheSpan, DaysAreThoseOfUtc);

}  // namespace ebb::store
