// Table, JSON and CSV; the page is in invoice_html.cc.
#include "cli/invoice.h"

#include <fmt/format.h>

#include <fstream>

#include "cli/bill_rows.h"
#include "cli/invoice_text.h"
#include "domain/month.h"

namespace ebb::cli {

namespace {

std::string path_of(const InvoiceWanted& wanted) {
  std::string path = "/ebb/v1/invoice?month=" + url_encode(wanted.month);
  if (!wanted.zone.empty()) path += "&zone=" + url_encode(wanted.zone);
  if (!wanted.tenant.empty()) path += "&tenant=" + url_encode(wanted.tenant);
  return path;
}

std::string lines_table(const wire::Invoice& invoice, const Output& out) {
  std::vector<BillField> fields = bill_fields({"endpoint", "tier"}, printable(invoice.currency), invoice.lines, invoice.total);
  const auto after = [&fields](std::string_view heading) {
    return std::ranges::find_if(fields, [&](const BillField& field) { return field.column.heading == heading; }) + 1;
  };
  fields.insert(after("BILLED MS"), {{"GIB-SECONDS", Align::kRight}, [](const wire::BillRow& row) { return Cell{gib_seconds(row.mib_ms)}; }});
  if (invoice.total.faults > 0)
    fields.insert(after("CALLS"), {{"FAULTS", Align::kRight}, [](const wire::BillRow& row) { return Cell{fmt::format("{}", row.faults)}; }});
  return render_bill(fields, invoice.lines, invoice.total, out);
}

void print_elsewhere(Context& context, const wire::Invoice& invoice) {
  const std::vector<PricedPlace> places = priced_places(invoice);
  const std::vector<Field<PricedPlace>> fields = {
      {{"THE SAME MONTH ELSEWHERE"}, [](const PricedPlace& place) { return Cell{printable(place.name)}; }},
      {{"COST " + printable(invoice.elsewhere.currency), Align::kRight}, [](const PricedPlace& place) { return Cell{place.cost}; }},
      {{"ALWAYS ON IS CHEAPER FROM", Align::kRight}, [](const PricedPlace& place) { return Cell{place.always_from}; }},
  };
  context.out.line("");
  context.out.write(render_rows(fields, places, context.out));
  context.out.line("");
  for (const std::string& note : price_notes(invoice))
    context.out.line(printable(note));
}

void print_table(Context& context, const wire::Invoice& invoice) {
  for (const std::string& line : {invoice_title(invoice), invoice_span(invoice), invoice_state(invoice)})
    context.out.line(printable(line));
  context.out.line("");
  if (invoice.lines.empty()) {
    context.out.line("nothing was billed in it");
    return;
  }
  context.out.write(lines_table(invoice, context.out));
  if (const std::string faults = invoice_faults(invoice); !faults.empty()) context.out.line(faults);
  if (const std::string set_off = invoice_set_off(invoice); !set_off.empty()) context.out.line(set_off);
  print_elsewhere(context, invoice);
}

std::string invoice_csv(const wire::Invoice& invoice) {
  std::string text = "tenant,month,zone,endpoint,tier,calls,faults,billed_ms,mib_ms,prompt_tokens,completion_tokens,cost,currency\n";
  for (const wire::BillRow& row : invoice.lines) {
    for (const std::string& field : {invoice.tenant.value_or(""), invoice.month, invoice.zone, key_of(row, "endpoint"), key_of(row, "tier")})
      text += csv_quoted(field) + ",";
    text += fmt::format("{},{},{},{},{},{},{},{}\n", row.calls, row.faults, row.billed_ms, row.mib_ms, row.prompt_tokens, row.completion_tokens,
                        domain::format_money(row.cost), csv_quoted(invoice.currency));
  }
  return text;
}

Status write_page(Context& context, const wire::Invoice& invoice, const std::string& path) {
  const std::string page = invoice_html(invoice);
  if (path == "-") {
    context.out.write(page);
    return {};
  }
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << page;
  file.close();
  if (!file) return fail(ErrorKind::kIo, fmt::format("'{}' could not be written: is there such a folder, and room on its disk?", path));
  context.out.line(fmt::format("the invoice is in {}; {}", printable(path), invoice_state(invoice)));
  return {};
}

}  // namespace

Status print_invoice(Context& context, Server& server, const InvoiceWanted& wanted) {
  if (const Result<domain::Month> month = domain::parse_month(wanted.month); !month) return usage_error("--month: " + month.error().message);
  const Result<json::value> answer = server.get(path_of(wanted));
  if (!answer) return fail(answer.error());
  if (wanted.as_json) return print_json(context, *answer);
  const Result<wire::Invoice> invoice = wire::invoice_from_json(*answer);
  if (!invoice) return fail(invoice.error().with_context(kNoSense));
  if (!wanted.html.empty()) return write_page(context, *invoice, wanted.html);
  if (wanted.as_csv) {
    context.out.write(invoice_csv(*invoice));
  } else {
    print_table(context, *invoice);
  }
  return {};
}

}  // namespace ebb::cli
