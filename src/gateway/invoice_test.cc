// Sums, states and comparisons by rows.
#include "gateway/invoice.h"

#include <gtest/gtest.h>

#include "domain/price_presets.h"
#include "domain/zone.h"

namespace ebb::gateway {
namespace {

constexpr milliseconds kHour = std::chrono::hours(1);
constexpr int64_t kGibSecond = domain::kMibMsPerGibSecond;

wire::BillRow line(std::string endpoint, std::string tier, int64_t calls, int64_t billed_ms, int64_t memory_mib) {
  return {.endpoint = std::move(endpoint), .tier = std::move(tier), .calls = calls, .billed_ms = billed_ms, .mib_ms = billed_ms * memory_mib, .cost = calls};
}

TEST(Compare, CallsWithoutStartsAndWithoutOurFaults) {
  std::vector<wire::BillRow> lines = {line("f", "cold", 3, 1'000, 1'024), line("f", "init", 0, 500, 1'024), line("f", "warm", 7, 2'000, 1'024)};
  lines[0].faults = 2;
  const auto elsewhere = compare(lines, kHour, std::nullopt);
  EXPECT_EQ(elsewhere.calls, 8);
  EXPECT_EQ(elsewhere.mib_ms, 3 * kGibSecond);
  ASSERT_EQ(elsewhere.clouds.size(), domain::cloud_prices().size());
  for (size_t i = 0; i < elsewhere.clouds.size(); ++i) {
    const domain::CloudPrice& price = domain::cloud_prices()[i];
    EXPECT_EQ(elsewhere.clouds[i].name, price.name);
    EXPECT_EQ(elsewhere.clouds[i].cost, 3 * price.per_gib_second + 8 * price.per_call) << price.name;
  }
}

TEST(Compare, AMachineThatIsAlwaysOnHasInstancesOfEachEndpoint) {
  struct Row {
    std::vector<wire::BillRow> lines;
    milliseconds held;
    int64_t memory_mib;
    domain::Pico cost;
    std::optional<double> duty;
  };
  const Row rows[] = {
      {{}, kHour, 0, 0, std::nullopt},
      {{line("a", "warm", 1, 900'000, 1'024)}, kHour, 1'024, domain::kMemoryPerGibHour, 0.25},
      {{line("a", "warm", 1, 900'000, 1'024), line("a", "cold", 1, 900'000, 1'024)}, kHour, 1'024, domain::kMemoryPerGibHour, 0.5},
      {{line("a", "warm", 1, 900'000, 1'024), line("b", "warm", 1, 0, 1'024)}, kHour, 1'024, domain::kMemoryPerGibHour, 0.25},
      {{line("a", "warm", 1, 900'000, 1'024), line("b", "warm", 1, 900'000, 512)}, kHour, 1'536, domain::kMemoryPerGibHour * 3 / 2, 0.25},
      {{line("a", "warm", 1, 3, 100), line("a", "cold", 1, 1, 99)}, kHour, 100, domain::kMemoryPerGibHour * 100 / 1'024, 399.0 / 100 / 3'600'000},
      {{line("a", "warm", 1, 900'000, 1'024)}, milliseconds(0), 1'024, 0, std::nullopt},
      {{line("a", "warm", 1, 3'600'000, 1'024)}, kHour, 1'024, domain::kMemoryPerGibHour, 1},
      {{line("a", "warm", 1, 5'400'000, 1'024), line("b", "warm", 1, 1'800'000, 2'048)}, kHour, 4'096, domain::kMemoryPerGibHour * 4, 0.625},
  };
  for (const Row& row : rows) {
    const auto elsewhere = compare(row.lines, row.held, std::nullopt);
    EXPECT_EQ(elsewhere.always_on.memory_mib, row.memory_mib);
    EXPECT_NEAR(static_cast<double>(elsewhere.always_on.cost), static_cast<double>(row.cost), 1);
    EXPECT_EQ(elsewhere.duty.has_value(), row.duty.has_value());
    EXPECT_DOUBLE_EQ(elsewhere.duty.value_or(0), row.duty.value_or(0));
  }
}

// Whichever costs more, the share of the time at work lies on that side of the break-even.
TEST(Compare, AlwaysOnIsCheaperBeyondTheBreakEven) {
  for (const int64_t billed_ms : {1'000, 100'000, 300'000, 310'000, 1'000'000, 3'000'000}) {
    const std::vector<wire::BillRow> lines = {line("a", "warm", 10, billed_ms, 2'048)};
    const auto elsewhere = compare(lines, kHour, 123'456'789);
    ASSERT_TRUE(elsewhere.duty);
    EXPECT_EQ(*elsewhere.duty > *elsewhere.break_even_duty, elsewhere.always_on.cost < 123'456'789) << billed_ms;
    for (const auto& cloud : elsewhere.clouds)
      EXPECT_EQ(*elsewhere.duty > *cloud.break_even_duty, elsewhere.always_on.cost < cloud.cost) << billed_ms << cloud.name;
  }
}

TEST(MakeInvoice, TheTotalIsTheSumOfItsLines) {
  const auto zone = *domain::find_zone("Europe/Berlin");
  const std::vector<wire::BillRow> lines = {line("a", "warm", 999'999'999'999, 1, 64), line("b", "cold", 1, 2, 64)};
  const WallTime now = *wire::parse_time("2026-11-20T00:00:00Z");
  const wire::Invoice invoice = make_invoice({.tenant = "acme", .month = {2026, 11}, .zone = *zone}, lines, "USD", now);
  EXPECT_EQ(invoice.tenant, "acme");
  EXPECT_EQ(invoice.month, "2026-11");
  EXPECT_EQ(invoice.zone, "Europe/Berlin");
  EXPECT_EQ(wire::format_time(invoice.from), "2026-10-31T23:00:00.000Z");
  EXPECT_EQ(invoice.from_in_zone, "2026-11-01T00:00:00+01:00");
  EXPECT_EQ(invoice.to_in_zone, "2026-12-01T00:00:00+01:00");
  EXPECT_EQ(invoice.made, now);
  EXPECT_EQ(invoice.lines, lines);
  EXPECT_EQ(invoice.total.cost, 1'000'000'000'000);
  EXPECT_EQ(invoice.total, wire::total_of(lines));
  EXPECT_TRUE(invoice.elsewhere.break_even_duty);
  EXPECT_FALSE(make_invoice({.tenant = {}, .month = {2026, 11}, .zone = *zone}, lines, "EUR", now).elsewhere.break_even_duty);
}

TEST(MakeInvoice, AMonthIsOverRunsOrHasNotBegun) {
  const auto zone = *domain::find_zone("Europe/Berlin");
  const std::tuple<const char*, const char*, milliseconds> rows[] = {
      {"2026-10-31T22:59:59.999Z", "not_begun", milliseconds(0)},
      {"2026-10-31T23:00:00Z", "running", milliseconds(0)},
      {"2026-11-01T00:00:00Z", "running", kHour},
      {"2026-11-30T22:59:59.999Z", "running", 720 * kHour - milliseconds(1)},
      {"2026-11-30T23:00:00Z", "over", 720 * kHour},
      {"2027-11-30T23:00:00Z", "over", 720 * kHour},
  };
  for (const auto& [now, state, held] : rows) {
    const wire::Invoice invoice = make_invoice({.tenant = {}, .month = {2026, 11}, .zone = *zone}, {}, "USD", *wire::parse_time(now));
    EXPECT_EQ(invoice.state, state) << now;
    EXPECT_EQ(invoice.elsewhere.always_on.held, held) << now;
    EXPECT_EQ(invoice.total, wire::BillRow{});
  }
}

}  // namespace
}  // namespace ebb::gateway
