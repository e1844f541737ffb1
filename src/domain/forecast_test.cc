// Rows of what was spent, and what is said of the rest.
#include "domain/forecast.h"

#include <gtest/gtest.h>

namespace ebb::domain {
namespace {

using std::chrono::days;
using std::chrono::hours;

constexpr WallTime kBegin{days(20'000)};

TEST(Forecast, ASteadyPaceIsForetoldExactly) {
  const Budget budget{.period = Period::kMonth, .amount = 400};
  const std::optional<Forecast> told = forecast(budget, {.from = kBegin, .to = kBegin + days(30)}, kBegin + days(10), 100, {10, 10, 10, 10});
  ASSERT_TRUE(told);
  EXPECT_EQ(told->sum, (Forecast::Sum{.low = 300, .likely = 300, .high = 300}));
  EXPECT_FALSE(told->over_at) << "400 last for 30 days more";
}

TEST(Forecast, SaysWhenTheAmountIsSpent) {
  const Budget budget{.period = Period::kMonth, .amount = 150};
  const Span month{.from = kBegin, .to = kBegin + days(30)};
  EXPECT_EQ(forecast(budget, month, kBegin + days(10), 100, {10, 10})->over_at, kBegin + days(15));
  EXPECT_EQ(forecast(budget, month, kBegin + days(10), 150, {10, 10})->over_at, kBegin + days(10)) << "it is spent already";
  EXPECT_FALSE(forecast(budget, month, kBegin + days(10), 100, {0, 0})->over_at);
}

TEST(Forecast, TheRangeGrowsWithHowMuchDaysDifferAndHowFewThereAre) {
  const Budget budget{.period = Period::kMonth, .amount = 1'000'000};
  const Span month{.from = kBegin, .to = kBegin + days(20)};
  const auto width = [&](const std::vector<Pico>& past) {
    const Forecast::Sum sum = *forecast(budget, month, kBegin + days(10), 0, past)->sum;
    EXPECT_LE(sum.low, sum.likely);
    return sum.high - sum.low;
  };
  EXPECT_LT(width({1000, 1000, 1010, 990}), width({1000, 1500, 500, 1000}));
  EXPECT_LT(width({1100, 900, 1100, 900, 1100, 900, 1100, 900}), width({1100, 900}));
  EXPECT_GT(width({1000}), 0);
}

TEST(Forecast, HoursAndTotals) {
  const Budget day{.period = Period::kDay, .amount = 100};
  const std::optional<Forecast> told = forecast(day, {.from = kBegin, .to = kBegin + days(1)}, kBegin + hours(12), 24, {2, 2, 2});
  EXPECT_EQ(told->sum->likely, 48);
  EXPECT_EQ(told->per_hour, 2);
  const Budget total{.period = Period::kTotal, .amount = 100};
  const std::optional<Forecast> without_end = forecast(total, {.from = WallTime::min(), .to = WallTime::max()}, kBegin, 52, {24});
  EXPECT_FALSE(without_end->sum);
  EXPECT_EQ(without_end->over_at, kBegin + days(2));
}

TEST(Forecast, NothingIsSaidOfNothing) { EXPECT_FALSE(forecast({.amount = 5}, {.from = kBegin, .to = kBegin + days(1)}, kBegin, 0, {})); }

}  // namespace
}  // namespace ebb::domain
