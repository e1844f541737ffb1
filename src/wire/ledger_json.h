// The book as JSON: the admin API's (docs/admin-api.md), and the lines of `ebb ledger export`. Pure.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "domain/seal.h"
#include "domain/usage.h"

namespace ebb::wire {

// One entry: what a call cost, from one account to another. GET ledger gives them line by line.
struct LedgerRow {
  int64_t number = 0;
  domain::UsageRecord record;
  std::string link;  // docs/billing.md says of what
  bool operator==(const LedgerRow&) const = default;
};
// Who owes it, "tenant:acme" ("tenant:" where nobody was named), and what it is income for, "calls:chat:warm".
std::string debit_account(const domain::UsageRecord& record);
std::string credit_account(const domain::UsageRecord& record);

// GET ledger/check: what was found right.
struct LedgerCheck {
  int64_t entries = 0;
  std::string head;  // the last link; empty: there are no entries
  domain::Pico cost = 0;
  std::string currency;
  int64_t seals = 0;  // that say the same of it
  bool operator==(const LedgerCheck&) const = default;
};

// {"number", "link", "debit", "credit", and the record's fields}
json::object to_json(const LedgerRow& row);
json::value to_json(const LedgerCheck& check);
Result<LedgerRow> ledger_row_from_json(const json::value& value);
Result<LedgerCheck> ledger_check_from_json(const json::value& value);

// A line of GET ledger/seals, and of the file of seals.
json::value to_json(const domain::Seal& seal);
Result<domain::Seal> seal_from_json(const json::value& value);

}  // namespace ebb::wire
