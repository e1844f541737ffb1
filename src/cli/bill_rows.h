// Rows of a bill as a table and as CSV, for bills and invoices. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/table.h"
#include "wire/admin_json.h"

namespace ebb::cli {

using BillField = Field<wire::BillRow>;

// What the row has of one of the keys: endpoint, day, tier, tenant, key.
std::string key_of(const wire::BillRow& row, std::string_view by);

// A column for each key, then calls, billed time, tokens and cost, all costs with as many digits, so that their points stand below each other.
std::vector<BillField> bill_fields(const std::vector<std::string>& by, const std::string& currency, const std::vector<wire::BillRow>& rows,
                                   const wire::BillRow& total);
// Costs of all rows and the total have as many digits after the point as this.
size_t cost_digits(const std::vector<wire::BillRow>& rows, const wire::BillRow& total);
std::string money_with_digits(domain::Pico amount, size_t digits);
// The rows, and below them the total, named in its first cell.
std::string render_bill(const std::vector<BillField>& fields, const std::vector<wire::BillRow>& rows, const wire::BillRow& total, const Output& out);

// A field of CSV.
std::string csv_quoted(const std::string& field);

}  // namespace ebb::cli
