// Rows of buckets.
#include "control/rate_policy.h"

#include <gtest/gtest.h>

#include "domain/limits.h"

namespace ebb::control {
namespace {

using domain::RateOf;

constexpr MonoTime kBegin{seconds(1000)};

Rate rate_of(RateOf of, int64_t amount, nanoseconds per = seconds(60)) {
  return {.limit = {.name = "acme", .of = of, .amount = amount, .per = of == RateOf::kConcurrency ? nanoseconds(0) : per}};
}
bool has_room(const Rate& rate, MonoTime now) { return !over_rate({&rate}, now); }

TEST(Rates, AsManyAtOnceAsTheAmountAndThenAtItsPace) {
  for (const int64_t amount : {1, 2, 6, 7, 60}) {
    Rate rate = rate_of(RateOf::kRequests, amount);
    for (int64_t i = 0; i < amount; ++i) {
      EXPECT_TRUE(has_room(rate, kBegin)) << i << " of " << amount;
      use_up(rate, 1, kBegin);
    }
    EXPECT_FALSE(has_room(rate, kBegin)) << amount;
    const milliseconds wait = over_rate({&rate}, kBegin)->retry_after;
    EXPECT_LE(wait, milliseconds(60'000 / amount + 1)) << amount;
    EXPECT_FALSE(has_room(rate, kBegin + wait - milliseconds(2))) << amount;
    EXPECT_TRUE(has_room(rate, kBegin + wait)) << amount;
    EXPECT_TRUE(has_room(rate, kBegin + seconds(60)));
  }
}

TEST(Rates, TokensAreOwedBeyondWhatWasLeft) {
  Rate rate = rate_of(RateOf::kTokens, 600);
  use_up(rate, 599, kBegin);
  EXPECT_TRUE(has_room(rate, kBegin)) << "one is left";
  use_up(rate, 1201, kBegin);  // 1200 are owed: two minutes
  const std::optional<Error> error = over_rate({&rate}, kBegin);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, "rate_limit_exceeded");
  EXPECT_EQ(error->kind, ErrorKind::kQuota);
  EXPECT_NE(error->message.find("tenant 'acme' is at its limit of tokens 600/minute"), std::string::npos) << error->message;
  EXPECT_FALSE(has_room(rate, kBegin + seconds(119)));
  EXPECT_TRUE(has_room(rate, kBegin + seconds(121)));
}

TEST(Rates, ADebtIsForgivenPastSomeOfItsTimes) {
  Rate rate = rate_of(RateOf::kTokens, 1);
  use_up(rate, 1'000'000'000'000, kBegin);
  EXPECT_TRUE(has_room(rate, kBegin + seconds(60) * domain::kRateDebtTimesMax));
}

TEST(Rates, SpendingTooFastSaysSo) {
  Rate rate = rate_of(RateOf::kSpending, 1'000'000'000'000, std::chrono::hours(1));
  use_up(rate, 1'000'000'000'000, kBegin);
  const std::optional<Error> error = over_rate({&rate}, kBegin);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, "spending_too_fast");
  EXPECT_NE(error->message.find("1.00/hour"), std::string::npos) << error->message;
  EXPECT_TRUE(has_room(rate, kBegin + milliseconds(1)));
}

TEST(Rates, ConcurrencyCountsWhatRuns) {
  Rate rate = rate_of(RateOf::kConcurrency, 2);
  rate.running = 1;
  EXPECT_TRUE(has_room(rate, kBegin));
  rate.running = 2;
  EXPECT_EQ(over_rate({&rate}, kBegin)->retry_after, milliseconds(1000));
}

TEST(Rates, TheLongestWaitIsTold) {
  Rate soon = rate_of(RateOf::kRequests, 60);
  Rate late = rate_of(RateOf::kTokens, 60);
  use_up(soon, 60, kBegin);
  use_up(late, 120, kBegin);
  EXPECT_NE(over_rate({&soon, &late}, kBegin)->message.find("tokens"), std::string::npos);
  EXPECT_FALSE(over_rate({}, kBegin));
}

}  // namespace
}  // namespace ebb::control
