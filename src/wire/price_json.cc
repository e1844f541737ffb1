// Both directions, field by field. Prices of tokens are by the million: a millionth of an amount must be a whole unit.
#include "wire/price_json.h"

#include <fmt/format.h>

#include <limits>

#include "wire/time_text.h"

namespace ebb::wire {

namespace {

using domain::Pico;

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr int64_t kGibSecondsMax = kMost / domain::kMibMsPerGibSecond;
constexpr int64_t kMillion = 1'000'000;

std::optional<Pico> money_in(ObjectReader& reader, std::string_view key) {
  const std::optional<std::string> text = reader.string(key);
  if (!text) return std::nullopt;
  const Result<Pico> amount = domain::parse_money(*text);
  if (!amount) reader.add_error(key, amount.error().message);
  return amount ? std::optional(*amount) : std::nullopt;
}

Pico token_price_in(ObjectReader& reader, std::string_view key) {
  const Pico million = money_in(reader, key).value_or(0);
  if (million % kMillion != 0) reader.add_error(key, "a token would cost parts of 0.000000000001: at most six digits after the point");
  return million / kMillion;
}

int64_t gib_seconds_in(ObjectReader& reader, std::string_view key) { return reader.integer(key, 0, kGibSecondsMax).value_or(0) * domain::kMibMsPerGibSecond; }

domain::RunPrices run_prices_in(ObjectReader& reader) {
  constexpr std::string_view kKey = "per_gib_second";
  const json::value* const value = reader.find(kKey);
  domain::RunPrices prices{};
  if (value == nullptr) {
    reader.add_error(kKey, fmt::format("'{}' is missing: what a GiB costs for a second, as text", reader.path_of(kKey)));
  } else if (!value->is_object()) {
    prices.fill(money_in(reader, kKey).value_or(0));
  } else {
    ObjectReader tiers(*value, reader.path_of(kKey));
    tiers.refuse_unknown({"warm", "provisioned", "parked", "cold"});
    if (!tiers.has("warm")) tiers.add_error("warm", "'warm' is missing: the others are as it where they are left out");
    prices.fill(money_in(tiers, "warm").value_or(0));
    for (size_t i = 0; i < domain::kRunTiers.size(); ++i)
      prices[i] = money_in(tiers, to_string(domain::kRunTiers[i])).value_or(prices[i]);
    if (!tiers.ok()) reader.adopt(tiers.error());
  }
  return prices;
}

json::object run_prices_of(const domain::RunPrices& prices) {
  json::object out;
  for (size_t i = 0; i < domain::kRunTiers.size(); ++i)
    out[to_string(domain::kRunTiers[i])] = domain::format_money(prices[i]);
  return out;
}

void read_steps(ObjectReader& reader, domain::PriceList& list) {
  const json::array* const steps = reader.array("steps");
  if (steps == nullptr) return;
  for (size_t i = 0; i < steps->size(); ++i) {
    ObjectReader step((*steps)[i], reader.path_of(fmt::format("steps[{}]", i)));
    step.refuse_unknown({"from_gib_seconds", "per_gib_second"});
    list.steps.push_back({.from_mib_ms = gib_seconds_in(step, "from_gib_seconds"), .per_gib_second = run_prices_in(step)});
    if (!step.ok()) return reader.adopt(step.error());
  }
}

void read_tokens(ObjectReader& reader, domain::PriceList& list) {
  const json::value* const value = reader.find("per_million_tokens");
  if (value == nullptr) return;
  ObjectReader tokens(*value, reader.path_of("per_million_tokens"));
  tokens.refuse_unknown({"prompt", "completion"});
  list.per_prompt_token = token_price_in(tokens, "prompt");
  list.per_completion_token = token_price_in(tokens, "completion");
  if (!tokens.ok()) reader.adopt(tokens.error());
}

void read_free(ObjectReader& reader, domain::PriceList& list) {
  const json::value* const value = reader.find("free");
  if (value == nullptr) return;
  ObjectReader free(*value, reader.path_of("free"));
  free.refuse_unknown({"gib_seconds", "calls", "prompt_tokens", "completion_tokens"});
  const auto number = [&](std::string_view key) { return free.integer(key, 0, kMost).value_or(0); };
  list.free = {.mib_ms = gib_seconds_in(free, "gib_seconds"),
               .calls = number("calls"),
               .prompt_tokens = number("prompt_tokens"),
               .completion_tokens = number("completion_tokens")};
  if (!free.ok()) reader.adopt(free.error());
}

std::optional<WallTime> moment_in(ObjectReader& reader) {
  const std::optional<std::string> text = reader.string("from");
  if (!text) return std::nullopt;
  const Result<WallTime> time = parse_time(*text);
  if (!time) reader.add_error("from", time.error().message);
  return time ? std::optional(*time) : std::nullopt;
}

// All but what only rows have.
domain::PriceList list_in(ObjectReader& reader) {
  domain::PriceList list{.currency = reader.string("currency").value_or("")};
  list.note = reader.string("note").value_or("");
  list.steps = {{.per_gib_second = run_prices_in(reader)}};
  read_steps(reader, list);
  list.init_per_gib_second = money_in(reader, "init_per_gib_second").value_or(0);
  list.per_call = money_in(reader, "per_call").value_or(0);
  read_tokens(reader, list);
  read_free(reader, list);
  return list;
}

}  // namespace

Result<AddPrices> add_prices_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  reader.refuse_unknown({"currency", "note", "from", "per_gib_second", "init_per_gib_second", "per_call", "per_million_tokens", "steps", "free"});
  AddPrices add{.list = list_in(reader), .from = moment_in(reader)};
  if (!reader.ok()) return fail(reader.error());
  return add;
}

json::object document_of(const domain::PriceList& list) {
  json::array steps;
  for (size_t i = 1; i < list.steps.size(); ++i)
    steps.push_back(
        {{"from_gib_seconds", list.steps[i].from_mib_ms / domain::kMibMsPerGibSecond}, {"per_gib_second", run_prices_of(list.steps[i].per_gib_second)}});
  const auto million = [](Pico token) { return domain::format_money(domain::saturated_product(token, kMillion)); };
  return {{"currency", list.currency},
          {"note", list.note},
          {"from", format_time(list.from)},
          {"per_gib_second", run_prices_of(list.steps.front().per_gib_second)},
          {"init_per_gib_second", domain::format_money(list.init_per_gib_second)},
          {"per_call", domain::format_money(list.per_call)},
          {"per_million_tokens", {{"prompt", million(list.per_prompt_token)}, {"completion", million(list.per_completion_token)}}},
          {"steps", std::move(steps)},
          {"free",
           {{"gib_seconds", list.free.mib_ms / domain::kMibMsPerGibSecond},
            {"calls", list.free.calls},
            {"prompt_tokens", list.free.prompt_tokens},
            {"completion_tokens", list.free.completion_tokens}}}};
}

json::value to_json(const PriceRow& row) {
  json::object out{{"version", row.list.version}, {"state", row.state}};
  for (auto& field : document_of(row.list))
    out.insert(std::move(field));
  return out;
}

Result<PriceRow> price_row_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  PriceRow row{.list = list_in(reader), .state = reader.required_string("state")};
  row.list.version = reader.integer("version", 0, kMost).value_or(0);
  row.list.from = moment_in(reader).value_or(WallTime{});
  if (!reader.ok()) return fail(reader.error());
  return row;
}

Result<domain::RateAmount> put_limit_from_json(const json::value& value, domain::RateOf of) {
  ObjectReader reader(value, "");
  reader.refuse_unknown({"limit"});
  const std::string text = reader.required_string("limit");
  if (!reader.ok()) return fail(reader.error());
  Result<domain::RateAmount> amount = domain::parse_rate(of, text);
  if (!amount) reader.add_error("limit", amount.error().message);
  if (!reader.ok()) return fail(reader.error());
  return amount;
}

json::value to_json(const LimitRow& row) {
  return {{"whose", to_string(row.limit.whose)}, {"name", row.limit.name}, {"of", to_string(row.limit.of)},
          {"limit", format_rate(row.limit)},     {"running", row.running}, {"used", row.used}};
}

Result<LimitRow> limit_row_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  LimitRow row{.limit = {.name = reader.required_string("name")}, .running = reader.integer("running", 0, kMost).value_or(0)};
  row.used = reader.number("used", 0, std::numeric_limits<double>::max()).value_or(0);
  const std::optional<domain::BudgetOf> whose = domain::parse_budget_of(reader.required_string("whose"));
  if (!whose) reader.add_error("whose", "it must be tenant, key or endpoint");
  const std::optional<domain::RateOf> of = domain::parse_rate_of(reader.required_string("of"));
  if (!of) reader.add_error("of", "it must be requests, tokens, spending or concurrency");
  const std::string text = reader.required_string("limit");
  if (!reader.ok()) return fail(reader.error());
  const Result<domain::RateAmount> amount = domain::parse_rate(*of, text);
  if (!amount) return fail(amount.error());
  row.limit.whose = *whose;
  row.limit.of = *of;
  row.limit.amount = amount->amount;
  row.limit.per = amount->per;
  return row;
}

}  // namespace ebb::wire
