// The clouds' prices, by rows.
#include "domain/price_presets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace ebb::domain {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr milliseconds kHour = std::chrono::hours(1);

TEST(CloudPrices, AreThoseThatTheirSourcesSay) {
  for (const CloudPrice& price : cloud_prices()) {
    EXPECT_GT(price.per_gib_second, 0) << price.name;
    EXPECT_THAT(std::string(price.source), testing::HasSubstr(price.per_call == 400'000 ? "0.40 USD a million" : "0.20 USD a million")) << price.name;
  }
}

TEST(CostAt, IsMemoryTimesTimeAndCalls) {
  const CloudPrice price{.name = "a cloud", .per_gib_second = 16'666'700, .per_call = 200'000, .source = ""};
  struct Row {
    int64_t mib_ms;
    int64_t calls;
    Pico cost;
  };
  const Row rows[] = {
      {0, 0, 0},
      {kMibMsPerGibSecond, 0, 16'666'700},
      {kMibMsPerGibSecond, 3, 17'266'700},
      {1, 0, 16},  // 16.276…
      {2, 0, 33},  // 32.55…
      {kMax, 1, kMax},
      {1, kMax, kMax},
  };
  for (const Row& row : rows)
    EXPECT_EQ(cost_at(price, row.mib_ms, row.calls), row.cost) << row.mib_ms << " " << row.calls;
}

TEST(CostAlwaysOn, IsMemoryTimesHours) {
  EXPECT_EQ(cost_always_on(1'024, kHour), kMemoryPerGibHour);
  EXPECT_EQ(cost_always_on(512, 720 * kHour), 360 * kMemoryPerGibHour);
  EXPECT_EQ(cost_always_on(0, kHour), 0);
  EXPECT_EQ(cost_always_on(kMax, milliseconds(kMax)), kMax);
}

// At this share both cost the same, and below it what is billed by the call costs less.
TEST(BreakEvenDuty, IsWhereBothCostTheSame) {
  const int64_t busy = 300 * kMibMsPerGibSecond;  // of a GiB in an hour
  const CloudPrice price{.name = "a cloud", .per_gib_second = 10'000'000, .per_call = 0, .source = ""};
  const double duty = *break_even_duty(cost_at(price, busy, 0), busy);
  EXPECT_NEAR(duty, 0.005 / 3600 / 0.00001, 1e-9);
  const auto at_work = static_cast<int64_t>(duty * 3600 * kMibMsPerGibSecond);
  EXPECT_NEAR(static_cast<double>(cost_at(price, at_work, 0)), static_cast<double>(cost_always_on(1'024, kHour)), 1e6);
  EXPECT_EQ(break_even_duty(0, busy), std::nullopt);
  EXPECT_EQ(break_even_duty(1, 0), std::nullopt);
}

}  // namespace
}  // namespace ebb::domain
