// Reading the settings file.
#include "app/serve_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/json.h"
#include "wire/quantity.h"
#include "wire/spec.h"

namespace ebb::app {

namespace {

constexpr size_t kFraction = 12;
constexpr size_t kWholeDigitsMax = 6;

Status apply_prices(const json::value& value, domain::Prices& prices) {
  ObjectReader reader(value, "prices");
  reader.refuse_unknown({"currency", "per_mib_ms", "init_per_mib_ms", "per_call"});
  if (const auto currency = reader.string("currency")) prices.currency = *currency;
  for (const auto& [key, target] :
       {std::pair{"per_mib_ms", &prices.per_mib_ms}, std::pair{"init_per_mib_ms", &prices.init_per_mib_ms}, std::pair{"per_call", &prices.per_call}}) {
    // A number would have lost digits on the way: prices are written as text.
    const auto text = reader.string(key);
    if (!text) continue;
    const Result<domain::Pico> amount = parse_money(*text);
    if (!amount)
      reader.add_error(key, fmt::format("'prices.{}': {}", key, amount.error().message));
    else
      *target = *amount;
  }
  return reader.ok() ? Status{} : fail(reader.error());
}

}  // namespace

std::filesystem::path default_home() {
  if (const char* home = std::getenv("EBB_HOME"); home != nullptr && *home != '\0') return std::filesystem::absolute(home);
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data == '/') return std::filesystem::path(data) / "ebb";
  const char* user = std::getenv("HOME");
  return std::filesystem::path(user != nullptr && *user != '\0' ? user : "/root") / ".local/share/ebb";
}

Result<domain::Pico> parse_money(std::string_view text) {
  const auto wrong = [&] {
    return fail(ErrorKind::kInvalid, fmt::format("'{}' is not an amount: write it as \"0.0000002\", at most twelve digits after the point", text));
  };
  const size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = point < text.size() ? text.substr(point + 1) : std::string_view{};
  if (whole.empty() || whole.size() > kWholeDigitsMax || fraction.size() > kFraction || (point < text.size() && fraction.empty())) return wrong();
  domain::Pico amount = 0;
  for (const std::string_view part : {whole, fraction}) {
    for (const char digit : part) {
      if (digit < '0' || digit > '9') return wrong();
      amount = amount * 10 + (digit - '0');
    }
  }
  for (size_t i = fraction.size(); i < kFraction; ++i)
    amount *= 10;
  return amount;
}

Status apply_settings(std::string_view yaml, ServeOptions& options) {
  Result<json::value> value = wire::yaml_to_json(yaml);
  if (!value) return fail(value.error());
  if (value->is_null()) return {};  // an empty file
  ObjectReader reader(*value, "");
  reader.refuse_unknown({"listen", "port", "grpc_port", "memory", "cores", "prices"});
  if (const auto listen = reader.string("listen")) options.listen = *listen;
  if (const auto port = reader.integer("port", 0, 65535)) options.port = static_cast<uint16_t>(*port);
  if (const auto port = reader.integer("grpc_port", 0, 65535)) options.grpc_port = static_cast<uint16_t>(*port);
  if (const auto cores = reader.integer("cores", 1, 4096)) options.cores = static_cast<int>(*cores);
  if (const auto memory = reader.string("memory")) {
    const Result<uint64_t> bytes = wire::parse_size(*memory);
    if (!bytes)
      reader.add_error("memory", fmt::format("'memory': {}", bytes.error().message));
    else
      options.memory_mib = static_cast<int64_t>(*bytes >> 20U);
  }
  if (const json::value* prices = reader.find("prices")) {
    if (Status applied = apply_prices(*prices, options.prices); !applied) reader.adopt(applied.error());
  }
  return reader.ok() ? Status{} : fail(reader.error());
}

}  // namespace ebb::app
