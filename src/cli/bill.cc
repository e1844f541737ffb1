// `ebb bill`: what was spent, as a table, JSON or CSV.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/server.h"
#include "cli/table.h"

namespace ebb::cli {

namespace {

struct BillOptions {
  std::vector<std::string> by{"endpoint"};
  std::string endpoint;
  std::string tenant;
  std::string from;
  std::string to;
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

std::string key_of(const wire::BillRow& row, std::string_view by) {
  if (by == "endpoint") return row.endpoint.value_or("");
  if (by == "day") return row.day.value_or("");
  if (by == "tenant") return row.tenant.value_or("");
  if (by == "key") return row.key.value_or("");
  return row.tier.value_or("");
}

std::string heading_of(std::string key) {
  for (char& c : key)
    c = static_cast<char>(c - 32);  // they are lower-case letters
  return key;
}

size_t digits_after_point(std::string_view money) { return money.size() - money.find('.') - 1; }

std::string bill_table(const wire::Bill& bill, const std::vector<std::string>& by, const Output& out) {
  std::vector<Table::Column> columns;
  for (const std::string& key : by)
    columns.push_back({heading_of(key)});
  for (const std::string& heading :
       {std::string("CALLS"), std::string("BILLED MS"), std::string("PROMPT TOKENS"), std::string("ANSWER TOKENS"), "COST " + bill.currency})
    columns.push_back({heading, Align::kRight});
  Table table(std::move(columns));
  // One number of digits in all rows, so that the points stand below each other.
  size_t digits = digits_after_point(domain::format_money(bill.total.cost));
  for (const wire::BillRow& row : bill.rows)
    digits = std::max(digits, digits_after_point(domain::format_money(row.cost)));
  const auto cells = [&](const wire::BillRow& row, bool total) {
    std::vector<Cell> line;
    for (size_t i = 0; i < by.size(); ++i)
      line.push_back({total ? (i == 0 ? "total" : "") : key_of(row, by[i])});
    std::string cost = domain::format_money(row.cost);
    cost.append(digits - digits_after_point(cost), '0');
    for (std::string text :
         {fmt::format("{}", row.calls), fmt::format("{}", row.billed_ms), fmt::format("{}", row.prompt_tokens), fmt::format("{}", row.completion_tokens), cost})
      line.push_back({std::move(text)});
    return line;
  };
  for (const wire::BillRow& row : bill.rows)
    table.add(cells(row, false));
  table.total(cells(bill.total, true));
  return table.render(out);
}

std::string quoted(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string text = "\"";
  for (const char c : field)
    text += c == '"' ? "\"\"" : std::string(1, c);
  return text + "\"";
}

std::string bill_csv(const wire::Bill& bill, const std::vector<std::string>& by) {
  std::string text = fmt::format("{},calls,faults,billed_ms,prompt_tokens,completion_tokens,cost,currency\n", fmt::join(by, ","));
  for (const wire::BillRow& row : bill.rows) {
    for (const std::string& key : by)
      text += quoted(key_of(row, key)) + ",";
    text += fmt::format("{},{},{},{},{},{},{}\n", row.calls, row.faults, row.billed_ms, row.prompt_tokens, row.completion_tokens,
                        domain::format_money(row.cost), quoted(bill.currency));
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
    context.out.write(bill_table(*bill, options.by, context.out));
    if (bill->total.faults > 0) context.out.line(fmt::format("{} of these calls failed by Ebb's fault and cost nothing", bill->total.faults));
  }
  return {};
}

}  // namespace

void add_bill(CLI::App& app, Context& context) {
  CLI::App* const command = client_command(app, context, "bill",
                                           {.summary = "Show what calls cost, by endpoint, day, tier, tenant and key.",
                                            .details = "A call costs its milliseconds × reserved memory × price, and a price for each call. Days are UTC.\n"
                                                       "Tiers: warm (a worker was ready), parked (it had to wake), cold (it had to start).",
                                            .example = "  ebb bill\n  ebb bill --by day,tier --endpoint chat --from 2026-11-01 --csv"});
  // Shared with the callback, which the app keeps.
  const auto options = std::make_shared<BillOptions>();
  command->add_option("--by", options->by, "What makes a row: endpoint, day, tier, tenant, key, several with commas; endpoint if left out")
      ->delimiter(',')
      ->check(CLI::IsMember({"endpoint", "day", "tier", "tenant", "key"}).description(""))
      ->type_name("endpoint|day|tier|tenant|key");
  command->add_option("--endpoint", options->endpoint, "Only this endpoint")->type_name("ENDPOINT");
  command->add_option("--tenant", options->tenant, "Only this tenant")->type_name("TENANT");
  command->add_option("--from", options->from, "Calls that ended then or later: 2026-11-24 or 2026-11-24T10:00:00Z")->type_name("TIME");
  command->add_option("--to", options->to, "Calls that ended before then")->type_name("TIME");
  CLI::Option* const as_json = command->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  command->add_flag("--csv", options->as_csv, "Print rows as CSV, without the total")->excludes(as_json);
  set_action(command, context, [&context, options](Server& server, Interrupt&) { return print_bill(context, server, *options); });
}

}  // namespace ebb::cli
