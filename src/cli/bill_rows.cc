// Columns, and digits.
#include "cli/bill_rows.h"

#include <fmt/format.h>

#include <algorithm>

namespace ebb::cli {

namespace {

std::string heading_of(std::string key) {
  for (char& c : key)
    c = static_cast<char>(c - 32);  // they are lower-case letters
  return key;
}

size_t digits_after_point(std::string_view money) { return money.size() - money.find('.') - 1; }

BillField count_field(std::string heading, int64_t wire::BillRow::*member) {
  return {{std::move(heading), Align::kRight}, [member](const wire::BillRow& row) { return Cell{fmt::format("{}", row.*member)}; }};
}

}  // namespace

std::string key_of(const wire::BillRow& row, std::string_view by) {
  if (by == "endpoint") return row.endpoint.value_or("");
  if (by == "day") return row.day.value_or("");
  if (by == "tenant") return row.tenant.value_or("");
  if (by == "key") return row.key.value_or("");
  return row.tier.value_or("");
}

size_t cost_digits(const std::vector<wire::BillRow>& rows, const wire::BillRow& total) {
  size_t digits = digits_after_point(domain::format_money(total.cost));
  for (const wire::BillRow& row : rows)
    digits = std::max(digits, digits_after_point(domain::format_money(row.cost)));
  return digits;
}

std::string money_with_digits(domain::Pico amount, size_t digits) {
  std::string text = domain::format_money(amount);
  text.append(digits - digits_after_point(text), '0');
  return text;
}

std::vector<BillField> bill_fields(const std::vector<std::string>& by, const std::string& currency, const std::vector<wire::BillRow>& rows,
                                   const wire::BillRow& total) {
  std::vector<BillField> fields;
  for (const std::string& key : by)
    fields.push_back({{heading_of(key)}, [key](const wire::BillRow& row) { return Cell{printable(key_of(row, key))}; }});
  fields.push_back(count_field("CALLS", &wire::BillRow::calls));
  fields.push_back(count_field("BILLED MS", &wire::BillRow::billed_ms));
  fields.push_back(count_field("PROMPT TOKENS", &wire::BillRow::prompt_tokens));
  fields.push_back(count_field("ANSWER TOKENS", &wire::BillRow::completion_tokens));
  const size_t digits = cost_digits(rows, total);
  fields.push_back({{"COST " + currency, Align::kRight}, [digits](const wire::BillRow& row) { return Cell{money_with_digits(row.cost, digits)}; }});
  return fields;
}

std::string render_bill(const std::vector<BillField>& fields, const std::vector<wire::BillRow>& rows, const wire::BillRow& total, const Output& out) {
  std::vector<Table::Column> columns;
  for (const BillField& field : fields)
    columns.push_back(field.column);
  Table table(std::move(columns));
  const auto cells = [&fields](const wire::BillRow& row) {
    std::vector<Cell> line;
    for (const BillField& field : fields)
      line.push_back(field.cell(row));
    return line;
  };
  for (const wire::BillRow& row : rows)
    table.add(cells(row));
  std::vector<Cell> last = cells(total);
  last.front().text = "total";
  table.total(std::move(last));
  return table.render(out);
}

std::string csv_quoted(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string text = "\"";
  for (const char c : field)
    text += c == '"' ? "\"\"" : std::string(1, c);
  return text + "\"";
}

}  // namespace ebb::cli
