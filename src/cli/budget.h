// Budgets as people write them: what `ebb budget` and `ebb key create --budget` share.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/budget.h"
#include "wire/account_json.h"

namespace ebb::cli {

// "/ebb/v1/budgets/tenant/acme/month"
std::string budget_path(domain::BudgetOf of, const std::string& name, domain::Period period);

// "12.50" or "12.50 USD", into the amount and the currency. Error: of the command line.
Status read_amount(std::string_view text, wire::PutBudget& budget);

struct KeyBudget {
  wire::PutBudget budget;
  domain::Period period = domain::Period::kMonth;
};
// "5/month". Error: of the command line.
Result<KeyBudget> read_key_budget(std::string_view text);

}  // namespace ebb::cli
