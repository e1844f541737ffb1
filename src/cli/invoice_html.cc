// The page. On a narrow screen each line of the table is a block of its own with the headings inside; on paper it is a table again.
#include <fmt/format.h>

#include "base/html.h"
#include "cli/bill_rows.h"
#include "cli/invoice.h"
#include "cli/invoice_text.h"

namespace ebb::cli {

namespace {

struct PageColumn {
  std::string heading;
  std::function<std::string(const wire::BillRow&)> text;
};

// Tokens and faults only where there are any: a page is narrow.
std::vector<PageColumn> page_columns(const wire::Invoice& invoice) {
  using Row = wire::BillRow;
  const auto count = [](int64_t Row::*member) { return [member](const Row& row) { return fmt::format("{}", row.*member); }; };
  std::vector<PageColumn> columns = {{"Endpoint", [](const Row& row) { return key_of(row, "endpoint"); }},
                                     {"Tier", [](const Row& row) { return key_of(row, "tier"); }},
                                     {"Calls", count(&Row::calls)}};
  if (invoice.total.faults > 0) columns.push_back({"Faults", count(&Row::faults)});
  columns.push_back({"Billed ms", count(&Row::billed_ms)});
  columns.push_back({"GiB-seconds", [](const Row& row) { return gib_seconds(row.mib_ms); }});
  if (invoice.total.prompt_tokens > 0) columns.push_back({"Prompt tokens", count(&Row::prompt_tokens)});
  if (invoice.total.completion_tokens > 0) columns.push_back({"Answer tokens", count(&Row::completion_tokens)});
  const size_t digits = cost_digits(invoice.lines, invoice.total);
  columns.push_back({"Cost " + invoice.currency, [digits](const Row& row) { return money_with_digits(row.cost, digits); }});
  return columns;
}

// A cell that a narrow screen shows beside its heading.
std::string cell(std::string_view heading, std::string_view text) {
  return fmt::format("<td data-of=\"{}\">{}</td>", html_escaped(heading), html_escaped(text));
}

std::string lines_table(const wire::Invoice& invoice) {
  if (invoice.lines.empty()) return "<p>Nothing was billed in it.</p>\n";
  const std::vector<PageColumn> columns = page_columns(invoice);
  std::string head;
  std::string last;
  for (const PageColumn& column : columns) {
    head += fmt::format("<th scope=\"col\">{}</th>", html_escaped(column.heading));
    if (&column != columns.data()) last += cell(column.heading, column.text(invoice.total));
  }
  std::string rows;
  for (const wire::BillRow& line : invoice.lines) {
    rows += fmt::format("<tr><th scope=\"row\">{}</th>", html_escaped(columns.front().text(line)));
    for (size_t i = 1; i < columns.size(); ++i)
      rows += cell(columns[i].heading, columns[i].text(line));
    rows += "</tr>\n";
  }
  const std::string faults = invoice_faults(invoice);
  const std::string set_off = invoice_set_off(invoice);
  return fmt::format(
      "<div class=\"wide\"><table class=\"lines\">\n<thead><tr>{}</tr></thead>\n<tbody>\n{}</tbody>\n<tfoot><tr><th "
      "scope=\"row\">Total</th>{}</tr></tfoot>\n</table></div>\n{}",
      head, rows, last,
      (faults.empty() ? "" : fmt::format("<p>{}.</p>\n", html_escaped(faults))) + (set_off.empty() ? "" : fmt::format("<p>{}.</p>\n", html_escaped(set_off))));
}

std::string elsewhere_section(const wire::Invoice& invoice) {
  const std::vector<PricedPlace> places = priced_places(invoice);
  if (places.empty()) return "";
  const std::string cost = "Cost " + invoice.elsewhere.currency;
  constexpr std::string_view kFrom = "Always on is cheaper from";
  std::string rows;
  for (const PricedPlace& place : places)
    rows += fmt::format("<tr><th scope=\"row\">{}</th>{}{}</tr>\n", html_escaped(place.name), cell(cost, place.cost), cell(kFrom, place.always_from));
  std::string notes;
  for (const std::string& note : price_notes(invoice))
    notes += fmt::format("<li>{}</li>\n", html_sentence(note));
  return fmt::format(
      "<section>\n<h2>The same month elsewhere</h2>\n<table class=\"places\">\n<thead><tr><th scope=\"col\">Where</th><th scope=\"col\">{}</th><th "
      "scope=\"col\">{}</th></tr></thead>\n<tbody>\n{}</tbody>\n</table>\n<ul class=\"notes\">\n{}</ul>\n</section>\n",
      html_escaped(cost), kFrom, rows, notes);
}

// A line of what the invoice is about.
std::string fact(std::string_view name, std::string_view text) { return fmt::format("<dt>{}</dt><dd>{}</dd>\n", name, html_escaped(text)); }

std::string facts(const wire::Invoice& invoice) {
  const std::string state = invoice_state(invoice);
  const size_t colon = state.find(": ");
  return "<dl>\n" + fact("From", invoice.from_in_zone) + fact("To before", invoice.to_in_zone) + fact("Time zone", invoice.zone) +
         fact("Made", wire::format_time(invoice.made)) + fact("State", state.substr(colon + 2)) + "</dl>\n";
}

constexpr std::string_view kInvoiceStyle =
    R"(body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.5rem;line-height:1.25;overflow-wrap:anywhere}h2{font-size:1.15rem;margin-top:2.5rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:1rem 0 2rem}
dt{color:#59636e}dd{margin:0;overflow-wrap:anywhere}.due{font-size:1.25rem;font-weight:600;font-variant-numeric:tabular-nums}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{padding:.35rem .5rem;text-align:right;vertical-align:top}
thead th{vertical-align:bottom;border-bottom:2px solid;font-size:.875em}tbody tr{border-bottom:1px solid #8885}tbody th{font-weight:400;overflow-wrap:anywhere}
td{white-space:nowrap}.lines th:first-child{min-width:9rem}th:first-child,.lines th:nth-child(2),.lines td:nth-child(2){text-align:left}tfoot{font-weight:600}tfoot tr{border-top:2px solid}
.wide{overflow-x:auto}
.notes{padding-left:1.1rem;font-size:.875em;color:#59636e;overflow-wrap:anywhere}
@media screen and (prefers-color-scheme:dark){body{color:#e6e6e6;background:#16181b}dt,.notes{color:#a3acb5}}
@media screen and (max-width:52rem){body{margin:1rem auto}thead{display:none}table,tbody,tfoot,tr,th,td{display:block}tr{padding:.5rem 0}th,td,.lines td:nth-child(2){padding:.1rem 0;text-align:right}
tbody th,tfoot th{font-weight:600;text-align:left}td{display:flex;justify-content:space-between;gap:1rem}td:before{content:attr(data-of);color:#59636e;font-weight:400;white-space:normal;text-align:left}td:empty{display:none}}
@media screen and (max-width:52rem) and (prefers-color-scheme:dark){td:before{color:#a3acb5}}
@media print{@page{size:A4;margin:16mm}body{font-size:10pt;margin:0;padding:0;max-width:none;color:#000}dt,.notes{color:#333}.wide{overflow:visible}h2{break-after:avoid}tr,section table{break-inside:avoid}tfoot{display:table-row-group}th,td{padding:.25rem .3rem}.lines th:first-child{min-width:30mm}})";

}  // namespace

std::string invoice_html(const wire::Invoice& invoice) {
  const std::string title = html_escaped(invoice_title(invoice));
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<title>{0}</title>\n<style>\n{1}\n</style>\n<h1>{0}</h1>\n<p class=\"due\">{2} {3}</p>\n{4}{5}{6}</html>\n",
      title, kInvoiceStyle, domain::format_money(invoice.total.cost), html_escaped(invoice.currency), facts(invoice), lines_table(invoice),
      elsewhere_section(invoice));
}

}  // namespace ebb::cli
