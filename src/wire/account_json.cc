// Both directions, field by field.
// Compiled alone: see domain/cron.cc.
#include "wire/account_json.h"

#include <fmt/format.h>

#include <limits>

#include "domain/limits.h"
#include "wire/quantity.h"
#include "wire/time_text.h"

namespace ebb::wire {

namespace {

constexpr milliseconds kKeyTimeMax = std::chrono::hours(24 * 3660);

json::value time_or_null(const std::optional<WallTime>& time) { return time ? json::value(format_time(*time)) : json::value(nullptr); }

std::optional<WallTime> time_in(ObjectReader& reader, std::string_view key) {
  const std::optional<std::string> written = reader.string(key);
  if (!written) return std::nullopt;
  const Result<WallTime> time = parse_time(*written);
  if (time) return *time;
  reader.add_error(key, time.error().message);
  return std::nullopt;
}

std::optional<milliseconds> duration_in(ObjectReader& reader, std::string_view key) {
  const std::optional<std::string> written = reader.string(key);
  if (!written) return std::nullopt;
  const Result<milliseconds> duration = parse_duration(*written);
  if (duration && duration->count() >= 0 && *duration <= kKeyTimeMax) return *duration;
  reader.add_error(key, duration ? "it must be from 0ms to ten years" : duration.error().message);
  return std::nullopt;
}

domain::Pico pico_in(ObjectReader& reader, std::string_view key) { return reader.integer(key, 0, std::numeric_limits<int64_t>::max()).value_or(0); }

// What one of these words stands for.
template <class Value>
Value word_in(ObjectReader& reader, std::string_view key, std::optional<Value> (*parse)(std::string_view), std::string_view words, Value otherwise) {
  const std::optional<std::string> word = reader.string(key);
  if (!word) return otherwise;
  const std::optional<Value> value = parse(*word);
  if (!value) reader.add_error(key, fmt::format("'{}' must be {}", word->substr(0, 40), words));
  return value.value_or(otherwise);
}

domain::Priority highest_in(ObjectReader& reader) {
  return word_in<domain::Priority>(reader, "priority", domain::parse_priority, "critical, normal or batch", domain::Priority::kNormal);
}

domain::Scopes scopes_in(ObjectReader& reader) {
  const std::optional<std::string> words = reader.string("scopes");
  if (!words) return {domain::Scope::kInvoke};
  const Result<domain::Scopes> scopes = parse_scopes(*words);
  if (!scopes) reader.add_error("scopes", scopes.error().message);
  return scopes.value_or(domain::Scopes{});
}

}  // namespace

Result<domain::Scopes> parse_scopes(std::string_view words) {
  const std::optional<domain::Scopes> scopes = domain::parse_scopes(words);
  if (scopes) return *scopes;
  return fail(ErrorKind::kInvalid, fmt::format("'{}' must be of invoke, read, deploy and admin, several with commas", words.substr(0, 80)));
}

json::value to_json(const domain::Tenant& tenant) { return {{"name", tenant.name}, {"created", format_time(tenant.created)}}; }

json::value to_json(const domain::AuditEntry& entry) {
  return {{"number", entry.number},   {"at", format_time(entry.at)}, {"key", entry.key},     {"tenant", entry.tenant}, {"what", entry.what},
          {"subject", entry.subject}, {"status", entry.status},      {"times", entry.times}, {"link", entry.link}};
}

json::value to_json(const CreateKey& request) {
  json::object out{{"tenant", request.tenant}, {"label", request.label}, {"scopes", to_string(request.scopes)}, {"priority", to_string(request.highest)}};
  if (request.expires_in) out["expires_in"] = format_duration(*request.expires_in);
  return out;
}

json::value to_json(const RotateKey& request) { return {{"overlap", format_duration(request.overlap)}}; }

json::value to_json(const KeyRow& row) {
  const domain::Key& key = row.key;
  json::object out{{"id", key.id},
                   {"line", key.line},
                   {"tenant", key.tenant},
                   {"label", key.label},
                   {"scopes", to_string(key.scopes)},
                   {"priority", to_string(key.highest)},
                   {"created", format_time(key.created)},
                   {"expires", time_or_null(key.expires)},
                   {"revoked", time_or_null(key.revoked)}};
  if (!row.text.empty()) out["key"] = row.text;
  return out;
}

json::value to_json(const PutBudget& request) {
  json::object out{{"amount", domain::format_money(request.amount)}, {"zone", request.zone}, {"hard", request.hard}};
  if (!request.currency.empty()) out["currency"] = request.currency;
  return out;
}

namespace {

json::object to_json(const domain::Forecast& forecast) {
  json::object out{{"per_hour", domain::format_money(forecast.per_hour)}, {"per_hour_pico", forecast.per_hour}, {"over_at", time_or_null(forecast.over_at)}};
  if (forecast.sum)
    out["sum"] = {{"low_pico", forecast.sum->low},
                  {"likely", domain::format_money(forecast.sum->likely)},
                  {"likely_pico", forecast.sum->likely},
                  {"high_pico", forecast.sum->high}};
  return out;
}

std::optional<domain::Forecast> forecast_in(ObjectReader& parent) {
  const json::value* const value = parent.find("forecast");
  if (value == nullptr) return std::nullopt;
  ObjectReader reader(*value, "forecast");
  domain::Forecast forecast{.per_hour = pico_in(reader, "per_hour_pico"), .over_at = time_in(reader, "over_at")};
  if (const json::value* const sum = reader.find("sum")) {
    ObjectReader sums(*sum, "forecast.sum");
    forecast.sum = {.low = pico_in(sums, "low_pico"), .likely = pico_in(sums, "likely_pico"), .high = pico_in(sums, "high_pico")};
    if (!sums.ok()) reader.adopt(sums.error());
  }
  if (!reader.ok()) parent.adopt(reader.error());
  return forecast;
}

}  // namespace

json::value to_json(const BudgetRow& row) {
  const domain::Budget& budget = row.budget;
  const domain::Pico left = std::max<domain::Pico>(budget.amount - row.spent, 0);
  json::object out{{"of", to_string(budget.of)},
                   {"name", budget.name},
                   {"period", to_string(budget.period)},
                   {"zone", budget.zone},
                   {"amount", domain::format_money(budget.amount)},
                   {"amount_pico", budget.amount},
                   {"hard", budget.hard},
                   {"spent", domain::format_money(row.spent)},
                   {"spent_pico", row.spent},
                   {"held", domain::format_money(row.held)},
                   {"held_pico", row.held},
                   {"left", domain::format_money(std::max<domain::Pico>(left - row.held, 0))},
                   {"begins", time_or_null(row.begins)},
                   {"ends", time_or_null(row.ends)}};
  if (row.forecast) out["forecast"] = to_json(*row.forecast);
  return out;
}

Result<domain::Tenant> tenant_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  domain::Tenant tenant{.name = reader.required_string("name"), .created = time_in(reader, "created").value_or(WallTime{})};
  if (!reader.ok()) return fail(reader.error());
  return tenant;
}

Result<domain::AuditEntry> audit_entry_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  domain::AuditEntry entry{.number = reader.integer("number", 1, std::numeric_limits<int64_t>::max()).value_or(0),
                           .at = time_in(reader, "at").value_or(WallTime{}),
                           .key = reader.string("key").value_or(""),
                           .tenant = reader.string("tenant").value_or(""),
                           .what = reader.required_string("what"),
                           .subject = reader.required_string("subject"),
                           .status = reader.integer("status", 0, 999).value_or(0),
                           .times = reader.integer("times", 1, std::numeric_limits<int64_t>::max()).value_or(1),
                           .link = reader.string("link").value_or("")};
  if (!reader.ok()) return fail(reader.error());
  return entry;
}

Result<KeyRow> key_row_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  KeyRow row{.key = {.id = reader.required_string("id"),
                     .line = reader.required_string("line"),
                     .tenant = reader.required_string("tenant"),
                     .label = reader.string("label").value_or(""),
                     .scopes = scopes_in(reader),
                     .highest = highest_in(reader),
                     .created = time_in(reader, "created").value_or(WallTime{}),
                     .expires = time_in(reader, "expires"),
                     .revoked = time_in(reader, "revoked")},
             .text = reader.string("key").value_or("")};
  if (!reader.ok()) return fail(reader.error());
  return row;
}

Result<BudgetRow> budget_row_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  BudgetRow row{.budget = {.of = word_in<domain::BudgetOf>(reader, "of", domain::parse_budget_of, "tenant, key or endpoint", domain::BudgetOf::kTenant),
                           .name = reader.required_string("name"),
                           .period = word_in<domain::Period>(reader, "period", domain::parse_period, "hour, day, month or total", domain::Period::kTotal),
                           .zone = reader.string("zone").value_or("UTC"),
                           .amount = pico_in(reader, "amount_pico"),
                           .hard = reader.boolean("hard").value_or(true)},
                .spent = pico_in(reader, "spent_pico"),
                .held = pico_in(reader, "held_pico"),
                .begins = time_in(reader, "begins"),
                .ends = time_in(reader, "ends"),
                .forecast = forecast_in(reader)};
  if (!reader.ok()) return fail(reader.error());
  return row;
}

Result<CreateKey> create_key_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  reader.refuse_unknown({"tenant", "label", "scopes", "priority", "expires_in"});
  CreateKey request{.tenant = reader.required_string("tenant"),
                    .label = reader.string("label").value_or(""),
                    .scopes = scopes_in(reader),
                    .highest = highest_in(reader),
                    .expires_in = duration_in(reader, "expires_in")};
  if (!reader.ok()) return fail(reader.error());
  return request;
}

Result<RotateKey> rotate_key_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  reader.refuse_unknown({"overlap"});
  RotateKey request;
  request.overlap = duration_in(reader, "overlap").value_or(request.overlap);
  if (!reader.ok()) return fail(reader.error());
  return request;
}

Result<PutBudget> put_budget_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  reader.refuse_unknown({"amount", "currency", "zone", "hard"});
  PutBudget request{
      .currency = reader.string("currency").value_or(""), .zone = reader.string("zone").value_or("UTC"), .hard = reader.boolean("hard").value_or(true)};
  const Result<domain::Pico> amount = domain::parse_money(reader.required_string("amount"));
  if (!amount && reader.ok()) reader.add_error("amount", amount.error().message);
  request.amount = amount.value_or(0);
  if (!reader.ok()) return fail(reader.error());
  return request;
}

}  // namespace ebb::wire
