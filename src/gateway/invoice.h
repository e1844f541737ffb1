// What an invoice says, of the rows of a bill. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domain/budget.h"
#include "domain/month.h"
#include "wire/invoice_json.h"

namespace ebb::gateway {

// Whose, and which month by whose calendar.
struct InvoiceOf {
  std::optional<std::string> tenant;  // nullopt: all of them
  domain::Month month;
  const domain::Zone& zone;
};

// `lines` by endpoint and tier; what is in another currency than that of published prices is compared by these alone.
wire::Invoice make_invoice(const InvoiceOf& of, std::vector<wire::BillRow> lines, const std::string& currency, WallTime now);

// What the lines would have cost elsewhere, had they come in a time that was `held`. Calls alone are compared: of starts each has its own, and what failed by
// our fault nobody would have asked twice for. `own_cost`: in the currency of published prices; nullopt: there is none.
wire::Invoice::Elsewhere compare(const std::vector<wire::BillRow>& lines, milliseconds held, std::optional<domain::Pico> own_cost);

}  // namespace ebb::gateway
