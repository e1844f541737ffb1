// `ebb key create | ls | rotate | revoke`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/budget.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/server.h"
#include "cli/table.h"
#include "wire/account_json.h"
#include "wire/quantity.h"

namespace ebb::cli {

namespace {

struct KeyOptions {
  std::string id;
  std::string tenant;
  std::string label;
  std::string scopes = "invoke";
  std::string priority = "normal";
  std::string expires;
  std::string budget;
  std::string overlap = "1d";
  bool all = false;
  bool as_json = false;
};

std::string path_of(const std::string& id) { return "/ebb/v1/keys/" + url_encode(id); }

Result<milliseconds> duration_of(std::string_view option, const std::string& text) {
  const Result<milliseconds> duration = wire::parse_duration(text);
  if (!duration) return usage_error(fmt::format("{}: {}", option, duration.error().message));
  return *duration;
}

// The key alone goes to stdout, so that a script can keep it.
Status print_made(Context& context, const json::value& answer, bool as_json, std::string_view after) {
  if (as_json) return print_json(context, answer);
  const Result<wire::KeyRow> row = wire::key_row_from_json(answer);
  if (!row) return fail(row.error().with_context(kNoSense));
  context.out.line(row->text);
  context.err.line(fmt::format("this is shown once: keep it. Its id is {}, for bills and `ebb key ls`; {}", row->key.id, after));
  return {};
}

Result<wire::CreateKey> request_of(const KeyOptions& options) {
  wire::CreateKey request{.tenant = options.tenant, .label = options.label, .highest = *domain::parse_priority(options.priority)};
  const Result<domain::Scopes> scopes = wire::parse_scopes(options.scopes);
  if (!scopes) return usage_error("--scope: " + scopes.error().message);
  request.scopes = *scopes;
  if (!options.expires.empty()) {
    const Result<milliseconds> expires = duration_of("--expires", options.expires);
    if (!expires) return fail(expires.error());
    request.expires_in = *expires;
  }
  return request;
}

Status create_one(Context& context, Server& server, const KeyOptions& options) {
  const Result<wire::CreateKey> request = request_of(options);
  if (!request) return fail(request.error());
  std::optional<KeyBudget> budget;
  if (!options.budget.empty()) {
    Result<KeyBudget> read = read_key_budget(options.budget);
    if (!read) return fail(read.error());
    budget = std::move(*read);
  }
  const Result<json::value> answer = server.post("/ebb/v1/keys", wire::to_json(*request));
  if (!answer) return fail(answer.error());
  const Result<wire::KeyRow> made = wire::key_row_from_json(*answer);
  if (!made) return fail(made.error().with_context(kNoSense));
  // The first key is the one that every request needs from here on.
  server.use_key_if_none(made->text);
  if (budget) {
    const auto set = server.put(budget_path(domain::BudgetOf::kKey, made->key.line, budget->period), wire::to_json(budget->budget));
    if (!set) {
      [[maybe_unused]] const auto revoked = server.remove(path_of(made->key.id));
      return fail(set.error().with_context("the budget, without which the key is not kept"));
    }
  }
  return print_made(context, *answer, options.as_json, "requests send it as 'Authorization: Bearer KEY', the commands of ebb take it from EBB_KEY");
}

Status rotate_one(Context& context, Server& server, const KeyOptions& options) {
  const Result<milliseconds> overlap = duration_of("--overlap", options.overlap);
  if (!overlap) return fail(overlap.error());
  const Result<json::value> answer = server.post(path_of(options.id) + "/rotate", wire::to_json(wire::RotateKey{.overlap = *overlap}));
  if (!answer) return fail(answer.error());
  return print_made(
      context, *answer, options.as_json,
      overlap->count() == 0 ? std::string("the old one is no longer known") : fmt::format("the old one ends in {}", wire::format_duration(*overlap)));
}

Status revoke_one(Context& context, Server& server, const KeyOptions& options) {
  const Result<json::value> answer = server.remove(path_of(options.id));
  if (!answer) return fail(answer.error());
  context.out.line(fmt::format("{} is revoked; its running calls finish", options.id));
  return {};
}

Cell state_of(const domain::Key& key, WallTime now) {
  if (key.revoked) return {"revoked", Style::kDim};
  if (!key.usable(now)) return {"expired", Style::kYellow};
  return {"usable", Style::kGreen};
}

Status list(Context& context, Server& server, const KeyOptions& options) {
  const Result<json::value> answer = server.get("/ebb/v1/keys");
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  auto rows = Server::rows_of<wire::KeyRow>(*answer, "keys", wire::key_row_from_json);
  if (!rows) return fail(rows.error());
  const WallTime now = context.clock.wall();
  std::erase_if(
      *rows, [&](const wire::KeyRow& row) { return (!options.tenant.empty() && row.key.tenant != options.tenant) || (!options.all && !row.key.usable(now)); });
  if (rows->empty()) {
    context.err.line("no keys: make the first with `ebb key create --tenant NAME --scope admin`; from then on every request needs one");
    return {};
  }
  using Row = wire::KeyRow;
  const std::vector<Field<Row>> fields = {
      {{"KEY"},
       [](const Row& row) {
         return Cell{printable(row.key.id), Style::kBold};
       }},
      {{"LINE"}, [](const Row& row) { return Cell{row.key.line == row.key.id ? "-" : printable(row.key.line)}; }},
      {{"TENANT"}, [](const Row& row) { return Cell{printable(row.key.tenant)}; }},
      {{"LABEL"}, [](const Row& row) { return Cell{printable(row.key.label)}; }},
      {{"SCOPES"}, [](const Row& row) { return Cell{to_string(row.key.scopes)}; }},
      {{"UP TO"}, [](const Row& row) { return Cell{std::string(to_string(row.key.highest))}; }},
      {{"CREATED"}, [](const Row& row) { return Cell{local_time(row.key.created).substr(0, 19)}; }},
      {{"EXPIRES"}, [](const Row& row) { return Cell{row.key.expires ? local_time(*row.key.expires).substr(0, 19) : "never"}; }},
      {{"STATE"}, [now](const Row& row) { return state_of(row.key, now); }},
  };
  context.out.write(render_rows(fields, *rows, context.out));
  return {};
}

void add_create(CLI::App& group, Context& context, const std::shared_ptr<KeyOptions>& options) {
  CLI::App* const making = client_command(
      group, context, "create",
      {.summary = "Make a key for a tenant, and show it once.",
       .details = "Scopes: invoke (call endpoints), read (the own bill and usage), deploy (endpoints, models, images, logs), admin (everything).\n"
                  "The first key must have the scope admin: once it is there, every route but health needs one. Commands of ebb take theirs from EBB_KEY.",
       .example = "  export EBB_KEY=$(ebb key create --tenant us --scope admin)\n"
                  "  ebb key create --tenant acme --scope invoke,read --expires 30d --budget 5/month"});
  making->add_option("--tenant", options->tenant, "Whose it is")->type_name("NAME")->required();
  making->add_option("--scope", options->scopes, "What it may do, several with commas; invoke if left out")->type_name("SCOPES");
  making->add_option("--label", options->label, "What people shall see it is for")->type_name("TEXT");
  making->add_option("--expires", options->expires, "How long it is known: 30d; without an end if left out")->type_name("TIME");
  making->add_option("--priority", options->priority, "The highest class that its calls may ask for; normal if left out")
      ->check(CLI::IsMember({"critical", "normal", "batch"}).description(""))
      ->type_name("critical|normal|batch");
  making->add_option("--budget", options->budget, "What it may spend: 5/month (hour, day, month, total)")->type_name("AMOUNT/PERIOD");
  making->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(making, context, [&context, options](Server& server, Interrupt&) { return create_one(context, server, *options); });
}

}  // namespace

void add_key(CLI::App& app, Context& context) {
  CLI::App* const group = plain_command(app, "key",
                                        {.summary = "Manage keys: who may do what, on whose account.",
                                         .details = "",
                                         .example = "  ebb tenant add us\n  export EBB_KEY=$(ebb key create --tenant us --scope admin)\n  ebb key ls"});
  group->require_subcommand(1);
  // Shared with the callbacks, which the app keeps.
  const auto options = std::make_shared<KeyOptions>();
  add_create(*group, context, options);

  CLI::App* const listing = client_command(
      *group, context, "ls", {.summary = "List keys: never their text.", .details = "", .example = "  ebb key ls\n  ebb key ls --tenant acme --all"});
  listing->add_option("--tenant", options->tenant, "Only this tenant's")->type_name("NAME");
  listing->add_flag("--all", options->all, "Those too that have expired or were revoked");
  listing->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(listing, context, [&context, options](Server& server, Interrupt&) { return list(context, server, *options); });

  CLI::App* const rotating = client_command(*group, context, "rotate",
                                            {.summary = "Make a key that follows another one.",
                                             .details = "It may do the same, on the same account and budgets. The old one is known for a while longer.",
                                             .example = "  ebb key rotate 7k2m9qwxtz4c --overlap 2h"});
  rotating->add_option("key", options->id, "Which key: its id")->type_name("ID")->required();
  rotating->add_option("--overlap", options->overlap, "How long the old one is known: 1d if left out, at most 90d")->type_name("TIME");
  rotating->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(rotating, context, [&context, options](Server& server, Interrupt&) { return rotate_one(context, server, *options); });

  CLI::App* const revoking = client_command(
      *group, context, "revoke", {.summary = "End a key at once.", .details = "Its running calls finish.", .example = "  ebb key revoke 7k2m9qwxtz4c"});
  revoking->add_option("key", options->id, "Which key: its id")->type_name("ID")->required();
  set_action(revoking, context, [&context, options](Server& server, Interrupt&) { return revoke_one(context, server, *options); });
}

}  // namespace ebb::cli
