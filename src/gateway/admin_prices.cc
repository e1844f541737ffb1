// /ebb/v1/prices: what calls cost, now and later.
#include <fmt/format.h>

#include <charconv>

#include "gateway/admin_line.h"
#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/services.h"
#include "wire/price_json.h"

namespace ebb::gateway {

namespace {

std::string list_line(const Services& services) {
  json::array rows;
  for (const wire::PriceRow& row : services.prices.list())
    rows.push_back(wire::to_json(row));
  return line_of(json::object{{"prices", std::move(rows)}});
}

Result<std::string> add(Services& services, const Request& request) {
  const Result<json::value> body = parse_json(request.body());
  if (!body) return fail(body.error());
  Result<wire::AddPrices> asked = wire::add_prices_from_json(*body);
  if (!asked) return fail(asked.error());
  const Result<wire::PriceRow> row = services.prices.add(std::move(*asked));
  if (!row) return fail(row.error());
  return line_of(wire::to_json(*row));
}

Result<std::string> remove(Services& services, const Request& request) {
  const std::string& text = request.param("version");
  int64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc() || end != text.data() + text.size())
    return fail(ErrorKind::kInvalid, fmt::format("'{}' is no version of a price list: `ebb price ls` lists them", text.substr(0, 40)), "version");
  if (Status removed = services.prices.remove(version); !removed) return fail(removed.error());
  return line_of(json::object{{"version", version}, {"removed", true}});
}

}  // namespace

io::Task<void> list_prices(Services& services, Exchange& exchange) { return answer_line(exchange, list_line(services)); }
io::Task<void> add_prices(Services& services, Exchange& exchange) { return answer_line(exchange, add(services, exchange.request())); }
io::Task<void> delete_prices(Services& services, Exchange& exchange) { return answer_line(exchange, remove(services, exchange.request())); }

}  // namespace ebb::gateway
