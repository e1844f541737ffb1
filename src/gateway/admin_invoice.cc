// GET /ebb/v1/invoice?month=2026-11&zone=…&tenant=…
#include <fmt/format.h>

#include <memory>

#include "domain/zone.h"
#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/invoice.h"
#include "gateway/record_filter.h"
#include "gateway/services.h"

namespace ebb::gateway {

namespace {

struct Asked {
  domain::Month month;
  std::shared_ptr<const domain::Zone> zone;
  BillRequest bill;
};

Result<Asked> invoice_asked(const Request& request) {
  std::string_view month;
  std::string_view zone_name;
  BillRequest bill{.by_endpoint = true, .by_tier = true};
  for (const auto& [key, value] : request.target.query) {
    if (key == "month") {
      month = value;
    } else if (key == "zone") {
      zone_name = value;
    } else if (key == "tenant") {
      bill.tenant = value;
    } else {
      return fail(ErrorKind::kInvalid, fmt::format("'{}' is not a known parameter: there are month, zone and tenant", key), key);
    }
  }
  const Result<domain::Month> read = domain::parse_month(month);
  if (!read) return fail(read.error());
  Result<std::shared_ptr<const domain::Zone>> zone = domain::find_zone(zone_name);
  if (!zone) return fail(zone.error());
  const domain::Span span = domain::span_of(*read, **zone);
  bill.from = span.from;
  bill.to = span.to;
  if (const Status sound = check_filter(bill, request.principal); !sound) return fail(sound.error());
  return Asked{.month = *read, .zone = std::move(*zone), .bill = std::move(bill)};
}

std::string invoice_text(const Services& services, const Asked& asked, std::vector<wire::BillRow> lines) {
  const InvoiceOf of{.tenant = asked.bill.tenant, .month = asked.month, .zone = *asked.zone};
  return json::serialize(wire::to_json(make_invoice(of, std::move(lines), services.prices.in_force().currency, services.clock.wall()))) + "\n";
}

}  // namespace

io::Task<void> get_invoice(Services& services, Exchange& exchange) {
  const Result<Asked> asked = invoice_asked(exchange.request());
  if (!asked) {
    co_await exchange.fail(asked.error());
    co_return;
  }
  Result<std::vector<wire::BillRow>> lines = co_await services.bills.bill(asked->bill);
  if (!lines) {
    co_await exchange.fail(lines.error());
    co_return;
  }
  Response response = json_response(invoice_text(services, *asked, std::move(*lines)));
  co_await exchange.respond(std::move(response));
}

}  // namespace ebb::gateway
