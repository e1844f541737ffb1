// `ebb budget set | ls | forecast | rm`.
#include "cli/budget.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/server.h"
#include "cli/table.h"

namespace ebb::cli {

namespace {

constexpr std::string_view kNoBudgets = "no budgets: set one with `ebb budget set --tenant NAME --amount 10 --period month`";

struct BudgetOptions {
  std::string tenant;
  std::string key;
  std::string endpoint;
  std::string period = "month";
  std::string amount;
  std::string zone = "UTC";
  bool warn = false;
  bool as_json = false;

  domain::BudgetOf of() const { return !tenant.empty() ? domain::BudgetOf::kTenant : !key.empty() ? domain::BudgetOf::kKey : domain::BudgetOf::kEndpoint; }
  const std::string& name() const { return !tenant.empty() ? tenant : !key.empty() ? key : endpoint; }
  domain::Period for_period() const { return *domain::parse_period(period); }
};

std::string each(domain::Period period) { return period == domain::Period::kTotal ? "in all" : fmt::format("for each {}", to_string(period)); }

Status set_one(Context& context, Server& server, const BudgetOptions& options) {
  wire::PutBudget budget{.zone = options.zone, .hard = !options.warn};
  if (Status read = read_amount(options.amount, budget); !read) return read;
  const Result<json::value> answer = server.put(budget_path(options.of(), options.name(), options.for_period()), wire::to_json(budget));
  if (!answer) return fail(answer.error());
  const Result<wire::BudgetRow> row = wire::budget_row_from_json(*answer);
  if (!row) return fail(row.error().with_context(kNoSense));
  context.out.line(fmt::format("{} '{}' may spend {} {}{}; {} are spent in the present one", to_string(options.of()), options.name(),
                               domain::format_money(budget.amount), each(options.for_period()),
                               budget.hard ? ", and no call begins that could go beyond it" : ", and what goes beyond it is told",
                               domain::format_money(row->spent)));
  return {};
}

Status remove_one(Context& context, Server& server, const BudgetOptions& options) {
  const Result<json::value> answer = server.remove(budget_path(options.of(), options.name(), options.for_period()));
  if (!answer) return fail(answer.error());
  context.out.line(fmt::format("{} '{}' has no budget {} any more", to_string(options.of()), options.name(), each(options.for_period())));
  return {};
}

Status list(Context& context, Server& server, const BudgetOptions& options) {
  const Result<json::value> answer = server.get("/ebb/v1/budgets");
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  const auto rows = Server::rows_of<wire::BudgetRow>(*answer, "budgets", wire::budget_row_from_json);
  if (!rows) return fail(rows.error());
  if (rows->empty()) {
    context.err.line(kNoBudgets);
    return {};
  }
  ObjectReader reader(*answer, "");
  const std::string currency = reader.string("currency").value_or("");
  const auto money = [](domain::Pico amount) { return domain::format_money(amount); };
  using Row = wire::BudgetRow;
  const std::vector<Field<Row>> fields = {
      {{"OF"}, [](const Row& row) { return Cell{std::string(to_string(row.budget.of))}; }},
      {{"NAME"},
       [](const Row& row) {
         return Cell{printable(row.budget.name), Style::kBold};
       }},
      {{"EACH"}, [](const Row& row) { return Cell{std::string(to_string(row.budget.period))}; }},
      {{"MAY SPEND " + currency, Align::kRight}, [&](const Row& row) { return Cell{money(row.budget.amount)}; }},
      {{"SPENT", Align::kRight},
       [&](const Row& row) {
         return Cell{money(row.spent), row.spent >= row.budget.amount ? Style::kRed : Style::kPlain};
       }},
      {{"HELD", Align::kRight}, [&](const Row& row) { return Cell{money(row.held)}; }},
      {{"BEGINS ANEW"}, [](const Row& row) { return Cell{row.ends ? local_time(*row.ends).substr(0, 19) : "never"}; }},
      {{"BEYOND IT"}, [](const Row& row) { return Cell{row.budget.hard ? "nothing" : "told"}; }},
  };
  context.out.write(render_rows(fields, *rows, context.out));
  return {};
}

// Four digits that matter: it is an estimate.
std::string rounded(domain::Pico amount) {
  domain::Pico unit = 1;
  while (amount / unit >= 10'000)
    unit *= 10;
  return domain::format_money(amount / unit * unit);
}

// Whose calls are refused from then on, and until when.
std::string what_stops(const wire::BudgetRow& row) {
  if (!row.forecast) return row.spent > 0 ? "too early to say" : "nothing was spent lately";
  if (!row.forecast->over_at) return row.ends ? "nothing before it begins anew" : "nothing in a hundred years";
  const bool over = row.spent >= row.budget.amount;
  const std::string from = over ? "" : " from " + local_time(*row.forecast->over_at).substr(0, 16);
  if (!row.budget.hard) return (over ? "it is over, and only told" : "it will be over") + from;
  const std::string calls = row.budget.of == domain::BudgetOf::kEndpoint ? "calls of it" : "its calls";
  return fmt::format("{} {}{}", calls, over ? "are refused" : "stop", from);
}

Status foretell(Context& context, Server& server, const BudgetOptions& options) {
  const Result<json::value> answer = server.get("/ebb/v1/budgets?forecast=true");
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  const auto rows = Server::rows_of<wire::BudgetRow>(*answer, "budgets", wire::budget_row_from_json);
  if (!rows) return fail(rows.error());
  if (rows->empty()) {
    context.err.line(kNoBudgets);
    return {};
  }
  ObjectReader reader(*answer, "");
  const std::string currency = reader.string("currency").value_or("");
  using Row = wire::BudgetRow;
  const std::vector<Field<Row>> fields = {
      {{"OF"}, [](const Row& row) { return Cell{std::string(to_string(row.budget.of))}; }},
      {{"NAME"},
       [](const Row& row) {
         return Cell{printable(row.budget.name), Style::kBold};
       }},
      {{"EACH"}, [](const Row& row) { return Cell{std::string(to_string(row.budget.period))}; }},
      {{"MAY SPEND " + currency, Align::kRight}, [](const Row& row) { return Cell{domain::format_money(row.budget.amount)}; }},
      {{"SPENT", Align::kRight}, [](const Row& row) { return Cell{rounded(row.spent)}; }},
      {{"AN HOUR, LATELY", Align::kRight}, [](const Row& row) { return Cell{row.forecast ? rounded(row.forecast->per_hour) : "-"}; }},
      {{"IN THE END", Align::kRight}, [](const Row& row) { return Cell{row.forecast && row.forecast->sum ? rounded(row.forecast->sum->likely) : "-"}; }},
      {{"FOUR IN FIVE TIMES", Align::kRight},
       [](const Row& row) {
         return Cell{row.forecast && row.forecast->sum ? fmt::format("{} to {}", rounded(row.forecast->sum->low), rounded(row.forecast->sum->high)) : "-"};
       }},
      {{"WHAT STOPS"},
       [](const Row& row) {
         return Cell{what_stops(row), row.forecast && row.forecast->over_at ? Style::kRed : Style::kPlain};
       }},
  };
  context.out.write(render_rows(fields, *rows, context.out));
  return {};
}

void add_whose(CLI::App* command, BudgetOptions& options) {
  CLI::Option_group* const whose = command->add_option_group("whose");
  whose->add_option("--tenant", options.tenant, "Of this tenant")->type_name("NAME");
  whose->add_option("--key", options.key, "Of this key, and those that follow it by rotation: its id")->type_name("ID");
  whose->add_option("--endpoint", options.endpoint, "Of this endpoint, whoever calls it")->type_name("ENDPOINT");
  whose->require_option(1);
  command->add_option("--period", options.period, "For how long it is: hour, day, month or total; month if left out")
      ->check(CLI::IsMember({"hour", "day", "month", "total"}).description(""))
      ->type_name("PERIOD");
}

}  // namespace

std::string budget_path(domain::BudgetOf of, const std::string& name, domain::Period period) {
  return fmt::format("/ebb/v1/budgets/{}/{}/{}", to_string(of), url_encode(name), to_string(period));
}

Status read_amount(std::string_view text, wire::PutBudget& budget) {
  const size_t space = std::min(text.find(' '), text.size());
  const Result<domain::Pico> amount = domain::parse_money(text.substr(0, space));
  if (!amount) return usage_error(amount.error().message);
  budget.amount = *amount;
  budget.currency = text.substr(std::min(space + 1, text.size()));
  return {};
}

Result<KeyBudget> read_key_budget(std::string_view text) {
  const size_t slash = text.find('/');
  const std::optional<domain::Period> period = slash == std::string_view::npos ? std::nullopt : domain::parse_period(text.substr(slash + 1));
  if (!period) return usage_error(fmt::format("'{}' is no budget: write an amount and for how long it is, such as 5/month (hour, day, month, total)", text));
  KeyBudget budget{.period = *period};
  if (Status read = read_amount(text.substr(0, slash), budget.budget); !read) return fail(read.error());
  return budget;
}

void add_budget(CLI::App& app, Context& context) {
  CLI::App* const group = plain_command(
      app, "budget",
      {.summary = "Say how much may be spent, and see how much is.",
       .details =
           "Before a call begins, the most that it may cost is held: its time (its endpoint's limits.time, or a shorter Ebb-Deadline) × reserved memory ×\n"
           "price. When it ends, what it cost is spent and the rest is free again. A call that could go beyond a budget is refused.",
       .example = "  ebb budget set --tenant acme --amount 10 --period month --zone Europe/Berlin\n  ebb budget ls"});
  group->require_subcommand(1);
  // Shared with the callbacks, which the app keeps.
  const auto options = std::make_shared<BudgetOptions>();

  CLI::App* const setting = client_command(
      *group, context, "set",
      {.summary = "Set a budget, or another amount of one.",
       .details = "What was spent before, in the present period, counts.",
       .example = "  ebb budget set --tenant acme --amount 10 --period month\n  ebb budget set --key 7k2m9qwxtz4c --amount 0.50 --period day --warn"});
  add_whose(setting, *options);
  setting->add_option("--amount", options->amount, "How much, in the currency of the server's prices: 10 or 0.0001")->type_name("AMOUNT")->required();
  setting->add_option("--zone", options->zone, "Whose calendar has the days and months; UTC if left out")->type_name("ZONE");
  setting->add_flag("--warn", options->warn, "Only tell when it is over, refuse nothing");
  set_action(setting, context, [&context, options](Server& server, Interrupt&) { return set_one(context, server, *options); });

  CLI::App* const listing =
      client_command(*group, context, "ls", {.summary = "List budgets, with what is spent.", .details = "", .example = "  ebb budget ls"});
  listing->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(listing, context, [&context, options](Server& server, Interrupt&) { return list(context, server, *options); });

  CLI::App* const foretelling = client_command(
      *group, context, "forecast",
      {.summary = "Foretell what budgets will have spent when their periods end, and what stops when.",
       .details =
           "By what the last 28 days cost, of budgets for an hour or a day the last 24 hours: a range in which four in five sums lie, if days are alike.",
       .example = "  ebb budget forecast"});
  foretelling->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(foretelling, context, [&context, options](Server& server, Interrupt&) { return foretell(context, server, *options); });

  CLI::App* const removing =
      client_command(*group, context, "rm", {.summary = "Remove a budget.", .details = "", .example = "  ebb budget rm --tenant acme --period month"});
  add_whose(removing, *options);
  set_action(removing, context, [&context, options](Server& server, Interrupt&) { return remove_one(context, server, *options); });
}

}  // namespace ebb::cli
