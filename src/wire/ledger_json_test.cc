// Entries of the book to JSON and back.
#include "wire/ledger_json.h"

#include <gtest/gtest.h>

namespace ebb::wire {
namespace {

TEST(LedgerJson, ComesBackAsItWas) {
  const LedgerRow row{.number = 7,
                      .record = {.call = CallId{0x0661081e9ab15800},
                                 .endpoint = "chat",
                                 .revision = RevisionId{3},
                                 .ended = WallTime(seconds(1'700'000'000)),
                                 .cost = 8,
                                 .tenant = "acme"},
                      .link = std::string(64, 'a')};
  EXPECT_EQ(*ledger_row_from_json(to_json(row)), row);
  EXPECT_EQ(to_json(row).at("debit").get_string(), "tenant:acme");
  EXPECT_EQ(to_json(row).at("credit").get_string(), "calls:chat:warm");
  const LedgerCheck check{.entries = 7, .head = std::string(64, 'a'), .cost = 8, .currency = "USD"};
  EXPECT_EQ(*ledger_check_from_json(to_json(check)), check);
  EXPECT_FALSE(ledger_row_from_json(json::object{{"number", 0}}));
}

}  // namespace
}  // namespace ebb::wire
