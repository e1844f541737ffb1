// `ebb bill`: what was spent, as a table, JSON or CSV; a month of it is an invoice.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/bill_rows.h"
#include "cli/commands.h"
#include "cli/invoice.h"
#include "cli/server.h"

namespace ebb::cli {

namespace {

struct BillOptions {
  std::vector<std::string> by{"endpoint"};
  std::string endpoint;
  std::string tenant;
  std::string from;
  std::string to;
  std::string month;
  std::string zone;
  std::string html;
  bool as_json = false;
  bool as_csv = false;
};

std::string path_of(const BillOptions& options) {
  std::string path = fmt::format("/ebb/v1/bill?by={}", fmt::join(options.by, ","));
  for (const auto& [key, value] :
       {std::pair{"endpoint", &options.endpoint}, std::pair{"tenant", &options.tenant}, std::pair{"from", &options.from}, std::pair{"to", &options.to}}) {
    if (!value->empty()) path += fmt::format("&{}={}", key, url_encode(*value));
  }
  return path;
}

std::string bill_csv(const wire::Bill& bill, const std::vector<std::string>& by) {
  std::string text = fmt::format("{},calls,faults,billed_ms,prompt_tokens,completion_tokens,cost,currency\n", fmt::join(by, ","));
  for (const wire::BillRow& row : bill.rows) {
    for (const std::string& key : by)
      text += csv_quoted(key_of(row, key)) + ",";
    text += fmt::format("{},{},{},{},{},{},{}\n", row.calls, row.faults, row.billed_ms, row.prompt_tokens, row.completion_tokens,
                        domain::format_money(row.cost), csv_quoted(bill.currency));
  }
  return text;
}

Status print_bill(Context& context, Server& server, const BillOptions& options) {
  const Result<json::value> answer = server.get(path_of(options));
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  const Result<wire::Bill> bill = wire::bill_from_json(*answer);
  if (!bill) return fail(bill.error().with_context(kNoSense));
  if (options.as_csv) {
    context.out.write(bill_csv(*bill, options.by));
  } else if (bill->rows.empty()) {
    context.err.line("nothing was billed there yet: ask an endpoint with `ebb chat NAME`");
  } else {
    context.out.write(render_bill(bill_fields(options.by, bill->currency, bill->rows, bill->total), bill->rows, bill->total, context.out));
    if (bill->total.faults > 0) context.out.line(fmt::format("{} of these calls failed by Ebb's fault and cost nothing", bill->total.faults));
  }
  return {};
}

InvoiceWanted invoice_wanted(const BillOptions& options) {
  return {.tenant = options.tenant, .month = options.month, .zone = options.zone, .html = options.html, .as_json = options.as_json, .as_csv = options.as_csv};
}

}  // namespace

void add_bill(CLI::App& app, Context& context) {
  CLI::App* const command = client_command(app, context, "bill",
                                           {.summary = "Show what calls cost, by endpoint, day, tier, tenant and key; or a month as an invoice.",
                                            .details = "A call costs its milliseconds × reserved memory × price, and a price for each call. Days are UTC.\n"
                                                       "Tiers: warm (a worker was ready), parked (it had to wake), cold (it had to start).\n"
                                                       "An invoice has what the month would have cost elsewhere besides.",
                                            .example = "  ebb bill\n  ebb bill --by day,tier --endpoint chat --from 2026-11-01 --csv\n"
                                                       "  ebb bill --tenant acme --month 2026-11 --zone Europe/Berlin --html acme.html"});
  // Shared with the callback, which the app keeps.
  const auto options = std::make_shared<BillOptions>();
  CLI::Option* const by =
      command->add_option("--by", options->by, "What makes a row: endpoint, day, tier, tenant, key, several with commas; endpoint if left out")
          ->delimiter(',')
          ->check(CLI::IsMember({"endpoint", "day", "tier", "tenant", "key"}).description(""))
          ->type_name("endpoint|day|tier|tenant|key");
  CLI::Option* const endpoint = command->add_option("--endpoint", options->endpoint, "Only this endpoint")->type_name("ENDPOINT");
  command->add_option("--tenant", options->tenant, "Only this tenant")->type_name("TENANT");
  CLI::Option* const from =
      command->add_option("--from", options->from, "Calls that ended then or later: 2026-11-24 or 2026-11-24T10:00:00Z")->type_name("TIME");
  CLI::Option* const to = command->add_option("--to", options->to, "Calls that ended before then")->type_name("TIME");
  CLI::Option* const month = command->add_option("--month", options->month, "An invoice of this month: 2026-11")->type_name("MONTH");
  for (CLI::Option* const other : {by, endpoint, from, to})
    month->excludes(other);
  command->add_option("--zone", options->zone, "By whose calendar the month is; UTC if left out")->needs(month)->type_name("ZONE");
  CLI::Option* const html =
      command->add_option("--html", options->html, "Write the invoice as a page for printing into this file; - is stdout")->needs(month)->type_name("FILE");
  CLI::Option* const as_json = command->add_flag("--json", options->as_json, "Print the server's answer as JSON")->excludes(html);
  command->add_flag("--csv", options->as_csv, "Print rows as CSV, without the total")->excludes(as_json)->excludes(html);
  set_action(command, context, [&context, options, month](Server& server, Interrupt&) {
    if (month->count() == 0) return print_bill(context, server, *options);
    return print_invoice(context, server, invoice_wanted(*options));
  });
}

}  // namespace ebb::cli
