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

// Prices by the GiB-second are not written here: those of one MiB for a millisecond are, as ever.
Status apply_prices(const json::value& value, domain::PriceList& prices) {
  ObjectReader reader(value, "prices");
  reader.refuse_unknown({"currency", "per_mib_ms", "init_per_mib_ms", "per_call"});
  if (const auto currency = reader.string("currency")) prices.currency = *currency;
  // A number would have lost digits on the way: prices are written as text.
  const auto amount_of = [&](std::string_view key) -> std::optional<domain::Pico> {
    const auto text = reader.string(key);
    if (!text) return std::nullopt;
    const Result<domain::Pico> amount = domain::parse_money(*text);
    if (!amount) reader.add_error(key, fmt::format("'prices.{}': {}", key, amount.error().message));
    return amount ? std::optional(*amount) : std::nullopt;
  };
  const auto by_gib_second = [](domain::Pico each) { return domain::saturated_product(each, domain::kMibMsPerGibSecond); };
  if (const auto run = amount_of("per_mib_ms")) prices.steps.front().per_gib_second.fill(by_gib_second(*run));
  if (const auto init = amount_of("init_per_mib_ms")) prices.init_per_gib_second = by_gib_second(*init);
  if (const auto call = amount_of("per_call")) prices.per_call = *call;
  if (!reader.ok()) return fail(reader.error());
  Status sound = check_prices(prices);
  if (!sound) sound.error().param = "prices." + sound.error().param;
  return sound;
}

Status apply_tls(const json::value& value, ServeOptions& options) {
  ObjectReader reader(value, "tls");
  reader.refuse_unknown({"cert", "key"});
  options.tls_cert = options.home / reader.required_string("cert");
  options.tls_key = options.home / reader.required_string("key");
  return reader.ok() ? Status{} : fail(reader.error());
}

}  // namespace

std::filesystem::path default_home() {
  if (const char* home = std::getenv("EBB_HOME"); home != nullptr && *home != '\0') return std::filesystem::absolute(home);
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data == '/') return std::filesystem::path(data) / "ebb";
  const char* user = std::getenv("HOME");
  return std::filesystem::path(user != nullptr && *user != '\0' ? user : "/root") / ".local/share/ebb";
}

Status apply_settings(std::string_view yaml, ServeOptions& options) {
  Result<json::value> value = wire::yaml_to_json(yaml);
  if (!value) return fail(value.error());
  if (value->is_null()) return {};  // an empty file
  ObjectReader reader(*value, "");
  reader.refuse_unknown({"listen", "port", "grpc_port", "tls", "behind_proxy", "memory", "cores", "prices"});
  if (const auto listen = reader.string("listen")) options.listen = *listen;
  if (const auto port = reader.integer("port", 0, 65535)) options.port = static_cast<uint16_t>(*port);
  if (const auto port = reader.integer("grpc_port", 0, 65535)) options.grpc_port = static_cast<uint16_t>(*port);
  if (const auto behind = reader.boolean("behind_proxy")) options.behind_proxy = *behind;
  if (const json::value* tls = reader.find("tls")) {
    if (Status applied = apply_tls(*tls, options); !applied) reader.adopt(applied.error());
  }
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
