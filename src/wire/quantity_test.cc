// Sizes and durations as people write them: what is read, what is refused.
#include "wire/quantity.h"

#include <gtest/gtest.h>

namespace ebb::wire {
namespace {

TEST(Quantity, DurationsRead) {
  const std::pair<std::string_view, int64_t> rows[] = {
      {"0s", 0},
      {"0ms", 0},
      {"500ms", 500},
      {"30s", 30'000},
      {"2m", 120'000},
      {"1h", 3'600'000},
      {"1d", 86'400'000},
      {"1m30s", 90'000},
      {"1h0m5s", 3'605'000},
      {"1.5s", 1500},
      {"0.001s", 1},
      {"0.5m", 30'000},
      {"1s250ms", 1250},
      {"3650d", 315'360'000'000},
  };
  for (const auto& [text, want] : rows) {
    const auto got = parse_duration(text);
    ASSERT_TRUE(got) << text << ": " << got.error().message;
    EXPECT_EQ(got->count(), want) << text;
  }
}

TEST(Quantity, DurationsRefused) {
  for (const std::string_view text : {"",
                                      "30",
                                      "s",
                                      "-1s",
                                      "+1s",
                                      " 1s",
                                      "1s ",
                                      "1 s",
                                      "1x",
                                      "1sec",
                                      "30s2m",
                                      "1s1s",
                                      "1.5ms",
                                      "1.s",
                                      ".5s",
                                      "1.2345s",
                                      "1.0001s",
                                      "3651d",
                                      "99999999999999999999s",
                                      "9999999999999d",
                                      "1e3s",
                                      "0x1s",
                                      "auto"}) {
    const auto got = parse_duration(text);
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().kind, ErrorKind::kInvalid);
    EXPECT_NE(got.error().message.find("such as 500ms"), std::string::npos) << got.error().message;
  }
}

TEST(Quantity, DurationsWritten) {
  const std::pair<int64_t, std::string_view> rows[] = {
      {0, "0s"}, {1, "1ms"}, {1500, "1s500ms"}, {30'000, "30s"}, {90'000, "1m30s"}, {600'000, "10m"}, {3'600'000, "1h"}, {90'061'001, "1d1h1m1s1ms"},
  };
  for (const auto& [ms, want] : rows) {
    EXPECT_EQ(format_duration(milliseconds(ms)), want);
    EXPECT_EQ(parse_duration(want)->count(), ms);
  }
}

TEST(Quantity, SizesReadAndWritten) {
  const std::pair<std::string_view, uint64_t> rows[] = {
      {"1B", 1}, {"1KiB", 1024}, {"512MiB", 512ULL << 20U}, {"2GiB", 2ULL << 30U}, {"1TiB", 1ULL << 40U}, {"1025B", 1025}, {"4194304TiB", 1ULL << 62U},
  };
  for (const auto& [text, want] : rows) {
    const auto got = parse_size(text);
    ASSERT_TRUE(got) << text;
    EXPECT_EQ(*got, want);
    EXPECT_EQ(format_size(want), text);
  }
  EXPECT_EQ(format_size(0), "0B");
}

TEST(Quantity, SizesRefused) {
  for (const std::string_view text : {"", "512", "512MB", "512mib", "512M", "-1MiB", "1.5GiB", "1 GiB", "MiB", "4194305TiB", "999999999999999999GiB"}) {
    const auto got = parse_size(text);
    ASSERT_FALSE(got) << text;
    EXPECT_NE(got.error().message.find("512MiB"), std::string::npos) << got.error().message;
  }
}

}  // namespace
}  // namespace ebb::wire
