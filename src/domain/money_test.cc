// Rows of amounts and their text.
#include "domain/money.h"

#include <gtest/gtest.h>

#include <limits>

namespace ebb::domain {
namespace {

TEST(BilledMilliseconds, RoundsUpOnce) {
  struct Row {
    int64_t ns;
    int64_t ms;
  };
  for (const Row& row : {Row{0, 0}, Row{-5, 0}, Row{1, 1}, Row{999'999, 1}, Row{1'000'000, 1}, Row{1'000'001, 2}})
    EXPECT_EQ(billed_milliseconds(nanoseconds(row.ns)), row.ms) << row.ns;
}

TEST(SaturatedSum, StopsAtTheEnds) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(saturated_sum(2, 3), 5);
  EXPECT_EQ(saturated_sum(kMax, 1), kMax);
  EXPECT_EQ(saturated_sum(kMin, -1), kMin);
}

TEST(MibMilliseconds, MultipliesAndSaturates) {
  EXPECT_EQ(mib_milliseconds(1'000, 1'024), kMibMsPerGibSecond);
  EXPECT_EQ(mib_milliseconds(std::numeric_limits<int64_t>::max() / 2, 3), std::numeric_limits<int64_t>::max());
}

TEST(FormatMoney, Rows) {
  struct Row {
    Pico amount;
    const char* text;
  };
  const Row rows[] = {{0, "0.00"},
                      {1, "0.000000000001"},
                      {200'000, "0.0000002"},
                      {1'500'000'000'000, "1.50"},
                      {-1'000'000'000'000, "-1.00"},
                      {std::numeric_limits<int64_t>::min(), "-9223372.036854775808"}};
  for (const Row& row : rows)
    EXPECT_EQ(format_money(row.amount), row.text);
}

TEST(ParseMoney, ReadsWhatIsWrittenExactly) {
  struct Row {
    const char* text;
    Pico amount;
  };
  const Row rows[] = {
      {"0", 0}, {"5", 5'000'000'000'000}, {"0.000000000001", 1}, {"12.5", 12'500'000'000'000}, {"9223372.036854775807", std::numeric_limits<int64_t>::max()}};
  for (const Row& row : rows) {
    const Result<Pico> amount = parse_money(row.text);
    ASSERT_TRUE(amount) << row.text;
    EXPECT_EQ(*amount, row.amount) << row.text;
  }
  for (const char* text :
       {"", "-1", "1e3", "1.", ".5", "1.0000000000001", "9223372.036854775808", "1000000000000000000000000000000", "1,5", "5 USD", "0x5", " 5"})
    EXPECT_FALSE(parse_money(text)) << text;
}

}  // namespace
}  // namespace ebb::domain
