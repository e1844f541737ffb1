// `ebb limit set | ls | rm`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/server.h"
#include "cli/table.h"
#include "wire/price_json.h"

namespace ebb::cli {

namespace {

struct LimitOptions {
  std::string tenant;
  std::string key;
  std::string endpoint;
  std::array<std::string, domain::kRatesOf.size()> amounts;  // of each kind; empty: not asked for
  std::array<bool, domain::kRatesOf.size()> removed{};
  bool as_json = false;

  domain::BudgetOf whose() const { return !tenant.empty() ? domain::BudgetOf::kTenant : !key.empty() ? domain::BudgetOf::kKey : domain::BudgetOf::kEndpoint; }
  const std::string& name() const { return !tenant.empty() ? tenant : !key.empty() ? key : endpoint; }
};

std::string path_of(const LimitOptions& options, domain::RateOf of) {
  return fmt::format("/ebb/v1/limits/{}/{}/{}", to_string(options.whose()), url_encode(options.name()), to_string(of));
}

Status set_some(Context& context, Server& server, const LimitOptions& options) {
  bool any = false;
  for (size_t i = 0; i < domain::kRatesOf.size(); ++i) {
    if (options.amounts.at(i).empty()) continue;
    any = true;
    const domain::RateOf of = domain::kRatesOf.at(i);
    if (const Result<domain::RateAmount> read = domain::parse_rate(of, options.amounts.at(i)); !read)
      return usage_error(fmt::format("--{}: {}", to_string(of), read.error().message));
    const Result<json::value> answer = server.put(path_of(options, of), json::object{{"limit", options.amounts.at(i)}});
    if (!answer) return fail(answer.error());
    const Result<wire::LimitRow> row = wire::limit_row_from_json(*answer);
    if (!row) return fail(row.error().with_context(kNoSense));
    context.out.line(fmt::format("{} '{}': {} up to {}", to_string(options.whose()), options.name(), to_string(of), format_rate(row->limit)));
  }
  if (!any) return usage_error("nothing to set: give one of --requests, --tokens, --spending and --concurrency");
  return {};
}

Status remove_some(Context& context, Server& server, const LimitOptions& options) {
  bool any = false;
  for (size_t i = 0; i < domain::kRatesOf.size(); ++i) {
    if (!options.removed.at(i)) continue;
    any = true;
    const Result<json::value> answer = server.remove(path_of(options, domain::kRatesOf.at(i)));
    if (!answer) return fail(answer.error());
    context.out.line(fmt::format("{} '{}' has no limit of {} any more", to_string(options.whose()), options.name(), to_string(domain::kRatesOf.at(i))));
  }
  if (!any) return usage_error("nothing to remove: give one of --requests, --tokens, --spending and --concurrency");
  return {};
}

std::string used_words(const wire::LimitRow& row) {
  if (row.limit.of == domain::RateOf::kConcurrency) return std::to_string(row.running);
  return row.used > 1 ? fmt::format("all, and {:.0f} % owed", 100 * (row.used - 1)) : fmt::format("{:.0f} %", 100 * row.used);
}

Status list(Context& context, Server& server, const LimitOptions& options) {
  const Result<json::value> answer = server.get("/ebb/v1/limits");
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  const auto rows = Server::rows_of<wire::LimitRow>(*answer, "limits", wire::limit_row_from_json);
  if (!rows) return fail(rows.error());
  if (rows->empty()) {
    context.err.line("no limits: set one with `ebb limit set --tenant NAME --requests 600/minute`");
    return {};
  }
  using Row = wire::LimitRow;
  const std::vector<Field<Row>> fields = {
      {{"OF"}, [](const Row& row) { return Cell{std::string(to_string(row.limit.whose))}; }},
      {{"NAME"},
       [](const Row& row) {
         return Cell{printable(row.limit.name), Style::kBold};
       }},
      {{"LIMITED"}, [](const Row& row) { return Cell{std::string(to_string(row.limit.of))}; }},
      {{"UP TO", Align::kRight}, [](const Row& row) { return Cell{format_rate(row.limit)}; }},
      {{"USED", Align::kRight},
       [](const Row& row) {
         return Cell{used_words(row), row.used >= 1 ? Style::kRed : Style::kPlain};
       }},
  };
  context.out.write(render_rows(fields, *rows, context.out));
  return {};
}

void add_whose(CLI::App* command, LimitOptions& options) {
  CLI::Option_group* const whose = command->add_option_group("whose");
  whose->add_option("--tenant", options.tenant, "Of this tenant")->type_name("NAME");
  whose->add_option("--key", options.key, "Of this key, and those that follow it by rotation: its id")->type_name("ID");
  whose->add_option("--endpoint", options.endpoint, "Of this endpoint, whoever calls it")->type_name("ENDPOINT");
  whose->require_option(1);
}

}  // namespace

void add_limit(CLI::App& app, Context& context) {
  CLI::App* const group =
      plain_command(app, "limit",
                    {.summary = "Say how fast somebody may call, and see how fast they do.",
                     .details = "As much at once as the amount, and then as it comes back, evenly. Calls past it are refused with 429 and when to come back.",
                     .example = "  ebb limit set --tenant acme --requests 600/minute --tokens 100000/minute --concurrency 8\n  ebb limit ls"});
  group->require_subcommand(1);
  // Shared with the callbacks, which the app keeps.
  const auto options = std::make_shared<LimitOptions>();

  CLI::App* const setting =
      client_command(*group, context, "set",
                     {.summary = "Set limits, or other amounts of those that are there.",
                      .details = "Times are second, minute, hour and day. What a call costs, and its tokens, count when it is over.",
                      .example = "  ebb limit set --tenant acme --requests 600/minute\n  ebb limit set --key 7k2m9qwxtz4c --spending 0.50/hour"});
  add_whose(setting, *options);
  setting->add_option("--requests", options->amounts[0], "Calls that are accepted: 600/minute")->type_name("NUMBER/TIME");
  setting->add_option("--tokens", options->amounts[1], "Of prompts and answers: 100000/minute")->type_name("NUMBER/TIME");
  setting->add_option("--spending", options->amounts[2], "Money: 0.50/hour")->type_name("AMOUNT/TIME");
  setting->add_option("--concurrency", options->amounts[3], "Calls that are accepted and not over: 8")->type_name("NUMBER");
  set_action(setting, context, [&context, options](Server& server, Interrupt&) { return set_some(context, server, *options); });

  CLI::App* const listing =
      client_command(*group, context, "ls", {.summary = "List limits, with what is used of them.", .details = "", .example = "  ebb limit ls"});
  listing->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(listing, context, [&context, options](Server& server, Interrupt&) { return list(context, server, *options); });

  CLI::App* const removing =
      client_command(*group, context, "rm", {.summary = "Remove limits.", .details = "", .example = "  ebb limit rm --tenant acme --requests --tokens"});
  add_whose(removing, *options);
  for (size_t i = 0; i < domain::kRatesOf.size(); ++i)
    removing->add_flag(fmt::format("--{}", to_string(domain::kRatesOf.at(i))), options->removed.at(i),
                       fmt::format("That of {}", to_string(domain::kRatesOf.at(i))));
  set_action(removing, context, [&context, options](Server& server, Interrupt&) { return remove_some(context, server, *options); });
}

}  // namespace ebb::cli
