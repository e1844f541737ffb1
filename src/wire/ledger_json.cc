// An entry is its record, and where it stands.
#include "wire/ledger_json.h"

#include <fmt/format.h>

#include <limits>

#include "wire/time_text.h"
#include "wire/usage_json.h"

namespace ebb::wire {

namespace {

constexpr int64_t kAny = std::numeric_limits<int64_t>::max();

}  // namespace

std::string debit_account(const domain::UsageRecord& record) { return "tenant:" + record.tenant; }
std::string credit_account(const domain::UsageRecord& record) { return fmt::format("calls:{}:{}", record.endpoint, to_string(record.tier)); }

json::object to_json(const LedgerRow& row) {
  json::object out{{"number", row.number}, {"link", row.link}, {"debit", debit_account(row.record)}, {"credit", credit_account(row.record)}};
  for (auto& field : to_json(row.record))
    out.insert(std::move(field));
  return out;
}

json::value to_json(const LedgerCheck& check) {
  return {{"entries", check.entries}, {"head", check.head},         {"cost", domain::format_money(check.cost)},
          {"cost_pico", check.cost},  {"currency", check.currency}, {"seals", check.seals}};
}

Result<LedgerRow> ledger_row_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  LedgerRow row{.number = reader.integer("number", 1, kAny).value_or(0), .record = {}, .link = reader.required_string("link")};
  if (!reader.ok()) return fail(reader.error());
  Result<domain::UsageRecord> record = usage_from_json(value);
  if (!record) return fail(record.error());
  row.record = std::move(*record);
  return row;
}

Result<LedgerCheck> ledger_check_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  LedgerCheck check{.entries = reader.integer("entries", 0, kAny).value_or(0),
                    .head = reader.string("head").value_or(""),
                    .cost = reader.integer("cost_pico", 0, kAny).value_or(0),
                    .currency = reader.string("currency").value_or(""),
                    .seals = reader.integer("seals", 0, kAny).value_or(0)};
  if (!reader.ok()) return fail(reader.error());
  return check;
}

json::value to_json(const domain::Seal& seal) {
  return {{"day", seal.day},   {"at", format_time(seal.at)},          {"entries", seal.entries},
          {"head", seal.head}, {"audit_entries", seal.audit_entries}, {"audit_head", seal.audit_head},
          {"mac", seal.mac}};
}

Result<domain::Seal> seal_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  domain::Seal seal{.day = reader.required_string("day"),
                    .entries = reader.integer("entries", 0, kAny).value_or(0),
                    .head = reader.string("head").value_or(""),
                    .audit_entries = reader.integer("audit_entries", 0, kAny).value_or(0),
                    .audit_head = reader.string("audit_head").value_or(""),
                    .mac = reader.required_string("mac")};
  const Result<WallTime> at = parse_time(reader.required_string("at"));
  if (!at) reader.add_error("at", at.error().message);
  if (!reader.ok()) return fail(reader.error());
  seal.at = *at;
  return seal;
}

}  // namespace ebb::wire
