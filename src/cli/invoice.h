// `ebb bill --month`: one month of a tenant, and what it would have cost elsewhere.
#pragma once

#include <string>

#include "cli/context.h"
#include "cli/server.h"
#include "wire/invoice_json.h"

namespace ebb::cli {

struct InvoiceWanted {
  std::string tenant;  // empty: whatever the key may see
  std::string month;   // "2026-11"
  std::string zone;    // empty: UTC
  std::string html;    // file for a page, "-" for stdout; empty: none
  bool as_json = false;
  bool as_csv = false;
};
Status print_invoice(Context& context, Server& server, const InvoiceWanted& wanted);

// A page of its own: no script, nothing from elsewhere; for a printer as well as for a phone.
std::string invoice_html(const wire::Invoice& invoice);

}  // namespace ebb::cli
