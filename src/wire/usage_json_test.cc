// What is written is read back, and the names are those that `ebb plan` reads.
#include "wire/usage_json.h"

#include <gtest/gtest.h>

namespace ebb::wire {
namespace {

domain::UsageRecord record() {
  return {.call = CallId{0x0661081e9ab15800},
          .endpoint = "chat",
          .revision = RevisionId{3},
          .ended = WallTime(seconds(1'700'000'000)),
          .tier = domain::Tier::kCold,
          .outcome = domain::Outcome::kLeft,
          .queued = nanoseconds(1),
          .start = nanoseconds(2),
          .busy = nanoseconds(3),
          .first_byte = nanoseconds(4),
          .total = nanoseconds(5),
          .billed_ms = 6,
          .memory_mib = 7,
          .cost = 8,
          .prompt_tokens = 9,
          .completion_tokens = 10,
          .tenant = "acme",
          .key = "k1",
          .prices = 11,
          .list_cost = 12};
}

TEST(UsageJson, RecordsComeBackAsTheyWere) {
  EXPECT_EQ(*usage_from_json(to_json(record())), record());
  EXPECT_EQ(json::serialize(to_json(record())),
            R"({"call":"0661081e9ab15800","endpoint":"chat","revision":"0000000000000003","ended":"2023-11-14T22:13:20.000Z","tier":"cold","outcome":"left",)"
            R"("queued_ns":1,"start_ns":2,"busy_ns":3,"first_byte_ns":4,"total_ns":5,"billed_ms":6,"memory_mib":7,"cost":"0.000000000008","cost_pico":8,)"
            R"("prompt_tokens":9,"completion_tokens":10,"tenant":"acme","key":"k1","prices":11,"list_cost_pico":12})");
}

TEST(UsageJson, OfAnEarlierServerThereIsNoList) {
  json::object earlier = to_json(record());
  earlier.erase("prices");
  earlier.erase("list_cost_pico");
  EXPECT_EQ(usage_from_json(earlier)->list_cost, record().cost);
}

TEST(UsageJson, WhatIsNoRecordIsRefused) {
  for (const auto& [field, value] :
       {std::pair{"tier", json::value("lukewarm")}, {"ended", json::value("yesterday")}, {"total_ns", json::value(-1)}, {"outcome", json::value(1)}}) {
    json::object wrong = to_json(record());
    wrong[field] = value;
    const auto read = usage_from_json(wrong);
    ASSERT_FALSE(read) << field;
    EXPECT_EQ(read.error().param, field);
  }
}

TEST(UsageJson, CallsComeBackAsTheyWere) {
  CallRow row{.call = "0661081e9ab15800", .endpoint = "chat", .state = "running", .story = {"It runs."}, .why_not_faster = {"It waited 3 ms."}};
  EXPECT_EQ(*call_row_from_json(to_json(row)), row);
  row.state = "ended";
  row.usage = record();
  row.decisions = {{.id = 3,
                    .at = WallTime(seconds(1)),
                    .what = "dispatch",
                    .because = "b",
                    .call = row.call,
                    .worker = "",
                    .inputs = {{"waited", "3 ms"}},
                    .facts = {{"waited_ns", 3'000'000}}}};
  EXPECT_EQ(*call_row_from_json(to_json(row)), row);
}

}  // namespace
}  // namespace ebb::wire
