// There and back, and what is wrong in an answer.
#include "wire/invoice_json.h"

#include <gtest/gtest.h>

namespace ebb::wire {
namespace {

Invoice any_invoice() {
  return {
      .tenant = "acme",
      .month = "2026-11",
      .zone = "Europe/Berlin",
      .from = WallTime(milliseconds(1)),
      .to = WallTime(milliseconds(2)),
      .from_in_zone = "then",
      .to_in_zone = "later",
      .made = WallTime(milliseconds(3)),
      .state = "running",
      .currency = "EUR",
      .lines =
          {{.endpoint = "chat", .tier = "cold", .calls = 4, .faults = 1, .billed_ms = 5, .mib_ms = 6, .cost = 7, .prompt_tokens = 8, .completion_tokens = 9}},
      .total = {.calls = 4, .cost = 7},
      .elsewhere = {.currency = "USD",
                    .calls = 3,
                    .mib_ms = 6,
                    .duty = 0.25,
                    .break_even_duty = 0.5,
                    .clouds = {{.name = "a cloud", .cost = 10, .break_even_duty = 1.5, .source = "its page"}, {.name = "free", .source = ""}},
                    .always_on = {.memory_mib = 11, .held = milliseconds(12), .per_gib_hour = 13, .cost = 14}}};
}

TEST(InvoiceJson, ComesBackAsItWas) {
  const Invoice invoice = any_invoice();
  const Result<Invoice> back = invoice_from_json(to_json(invoice));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, invoice);
  Invoice all = invoice;
  all.tenant.reset();
  all.elsewhere.duty.reset();
  EXPECT_EQ(*invoice_from_json(to_json(all)), all);
}

TEST(InvoiceJson, SaysWhatItMisses) {
  for (const char* needed : {"month", "zone", "from", "to", "made", "state"}) {
    json::value value = to_json(any_invoice());
    value.get_object().erase(needed);
    const Result<Invoice> read = invoice_from_json(value);
    ASSERT_FALSE(read) << needed;
    EXPECT_EQ(read.error().param, needed);
  }
  json::value value = to_json(any_invoice());
  value.get_object()["lines"].get_array()[0].get_object()["calls"] = "many";
  EXPECT_EQ(invoice_from_json(value).error().param, "lines.calls");
}

TEST(TotalOf, IsTheSumAndStopsAtTheLargest) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const std::vector<BillRow> rows = {
      {.endpoint = "a", .tier = "cold", .calls = 1, .faults = 2, .billed_ms = 3, .mib_ms = 4, .cost = 5, .prompt_tokens = 6, .completion_tokens = 7},
      {.endpoint = "b", .tier = "warm", .calls = 10, .faults = 20, .billed_ms = 30, .mib_ms = 40, .cost = 50, .prompt_tokens = 60, .completion_tokens = 70},
  };
  EXPECT_EQ(total_of(rows), (BillRow{.calls = 11, .faults = 22, .billed_ms = 33, .mib_ms = 44, .cost = 55, .prompt_tokens = 66, .completion_tokens = 77}));
  EXPECT_EQ(total_of({}), BillRow{});
  EXPECT_EQ(total_of({{.cost = kMax}, {.cost = 1}}).cost, kMax);
}

}  // namespace
}  // namespace ebb::wire
