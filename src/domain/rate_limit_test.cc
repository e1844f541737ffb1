// Rows of limits as people write them.
#include "domain/rate_limit.h"

#include <gtest/gtest.h>

namespace ebb::domain {
namespace {

TEST(ParseRate, ReadsAnAmountAndATime) {
  struct Row {
    RateOf of;
    const char* text;
    int64_t amount;
    nanoseconds per;
  };
  const Row rows[] = {{RateOf::kRequests, "600/minute", 600, std::chrono::minutes(1)},
                      {RateOf::kTokens, "1/second", 1, std::chrono::seconds(1)},
                      {RateOf::kTokens, "2000000/day", 2'000'000, std::chrono::hours(24)},
                      {RateOf::kSpending, "0.50/hour", 500'000'000'000, std::chrono::hours(1)},
                      {RateOf::kConcurrency, "8", 8, nanoseconds(0)}};
  for (const Row& row : rows) {
    const Result<RateAmount> read = parse_rate(row.of, row.text);
    ASSERT_TRUE(read) << row.text << ": " << read.error().message;
    EXPECT_EQ(read->amount, row.amount);
    EXPECT_EQ(read->per, row.per);
    EXPECT_EQ(format_rate({.of = row.of, .amount = read->amount, .per = read->per}), row.text);
  }
}

TEST(ParseRate, RefusesWhatIsNone) {
  struct Row {
    RateOf of;
    const char* text;
  };
  for (const Row& row : {Row{RateOf::kRequests, "600"},
                         {RateOf::kRequests, "600/week"},
                         {RateOf::kRequests, "/minute"},
                         {RateOf::kRequests, "0/minute"},
                         {RateOf::kRequests, "-1/minute"},
                         {RateOf::kRequests, "1.5/minute"},
                         {RateOf::kRequests, "9999999999999999999/minute"},
                         {RateOf::kConcurrency, "8/minute"},
                         {RateOf::kConcurrency, "many"},
                         {RateOf::kSpending, "1e3/hour"},
                         {RateOf::kSpending, ""}})
    EXPECT_FALSE(parse_rate(row.of, row.text)) << row.text;
}

TEST(RateOfWords, GoBothWays) {
  for (const RateOf of : kRatesOf)
    EXPECT_EQ(parse_rate_of(to_string(of)), of);
  EXPECT_FALSE(parse_rate_of("speed"));
}

}  // namespace
}  // namespace ebb::domain
