// GET /ebb/v1/bill?by=endpoint,day,tier,tenant,key&endpoint=…&tenant=…&key=…&from=…&to=…
#include <fmt/format.h>

#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/record_filter.h"
#include "gateway/services.h"
#include "wire/admin_json.h"

namespace ebb::gateway {

namespace {

Status read_keys(std::string_view list, BillRequest& out) {
  while (!list.empty()) {
    const std::string_view key = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), key.size() + 1));
    if (key == "endpoint") {
      out.by_endpoint = true;
    } else if (key == "day") {
      out.by_day = true;
    } else if (key == "tier") {
      out.by_tier = true;
    } else if (key == "tenant") {
      out.by_tenant = true;
    } else if (key == "key") {
      out.by_key = true;
    } else {
      return fail(ErrorKind::kInvalid, fmt::format("'by' may have endpoint, day, tier, tenant and key, not '{}'", key), "by");
    }
  }
  return {};
}

Result<BillRequest> bill_request(const Request& request) {
  BillRequest out;
  for (const auto& [key, value] : request.target.query) {
    if (key == "key") {
      out.key = value;
      continue;
    }
    if (key == "by") {
      if (Status read = read_keys(value, out); !read) return fail(read.error());
      continue;
    }
    const Result<bool> taken = read_filter(key, value, out);
    if (!taken) return fail(taken.error());
    if (!*taken) return fail(ErrorKind::kInvalid, fmt::format("'{}' is not a known parameter: there are by, endpoint, tenant, key, from and to", key), key);
  }
  if (const Status sound = check_filter(out, request.principal); !sound) return fail(sound.error());
  return out;
}

std::string bill_of(std::string currency, std::vector<wire::BillRow> rows) {
  const wire::BillRow total = wire::total_of(rows);
  return json::serialize(wire::to_json(wire::Bill{.currency = std::move(currency), .rows = std::move(rows), .total = total})) + "\n";
}

}  // namespace

io::Task<void> get_bill(Services& services, Exchange& exchange) {
  const Result<BillRequest> request = bill_request(exchange.request());
  if (!request) {
    co_await exchange.fail(request.error());
    co_return;
  }
  Result<std::vector<wire::BillRow>> rows = co_await services.bills.bill(*request);
  if (!rows) {
    co_await exchange.fail(rows.error());
    co_return;
  }
  Response response = json_response(bill_of(services.prices.in_force().currency, std::move(*rows)));
  co_await exchange.respond(std::move(response));
}

}  // namespace ebb::gateway
