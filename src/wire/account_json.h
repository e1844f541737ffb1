// Tenants, keys and budgets as the admin API has them, in the manner of admin_json.h. Pure.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "domain/audit.h"
#include "domain/budget.h"
#include "domain/forecast.h"
#include "domain/key.h"

namespace ebb::wire {

// The body of POST keys.
struct CreateKey {
  std::string tenant;
  std::string label = {};
  domain::Scopes scopes{domain::Scope::kInvoke};
  domain::Priority highest = domain::Priority::kNormal;
  std::optional<milliseconds> expires_in = {};
  bool operator==(const CreateKey&) const = default;
};

// The body of POST keys/{id}/rotate.
struct RotateKey {
  milliseconds overlap = std::chrono::hours(24);
  bool operator==(const RotateKey&) const = default;
};

// One element of GET keys ({"keys": […]}), and the answer to those that change one: only the answer to a new key has its text.
struct KeyRow {
  domain::Key key;
  std::string text = {};
  bool operator==(const KeyRow&) const = default;
};

// The body of PUT budgets/{of}/{name}/{period}.
struct PutBudget {
  domain::Pico amount = 0;
  std::string currency = {};  // must be that of the server's prices; may be left out
  std::string zone = "UTC";
  bool hard = true;
  bool operator==(const PutBudget&) const = default;
};

// One element of GET budgets ({"currency", "budgets": […]}).
struct BudgetRow {
  domain::Budget budget;
  domain::Pico spent = 0;               // in its present period
  domain::Pico held = 0;                // for calls that are not over
  std::optional<WallTime> begins = {};  // its present period; neither: all time
  std::optional<WallTime> ends = {};
  std::optional<domain::Forecast> forecast = {};  // where it is asked for, and something was spent before
  bool operator==(const BudgetRow&) const = default;
};

json::value to_json(const domain::Tenant& tenant);
json::value to_json(const domain::AuditEntry& entry);  // a line of GET audit
json::value to_json(const CreateKey& request);
json::value to_json(const RotateKey& request);
json::value to_json(const KeyRow& row);
json::value to_json(const PutBudget& request);
json::value to_json(const BudgetRow& row);

Result<domain::Tenant> tenant_from_json(const json::value& value);
Result<domain::AuditEntry> audit_entry_from_json(const json::value& value);
Result<KeyRow> key_row_from_json(const json::value& value);
Result<BudgetRow> budget_row_from_json(const json::value& value);
// Closed schemas: these are read by the server.
Result<CreateKey> create_key_from_json(const json::value& value);
Result<RotateKey> rotate_key_from_json(const json::value& value);
Result<PutBudget> put_budget_from_json(const json::value& value);

// "invoke,read". Error: kInvalid, a sentence without the field's name.
Result<domain::Scopes> parse_scopes(std::string_view words);

}  // namespace ebb::wire
