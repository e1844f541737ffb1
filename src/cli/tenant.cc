// `ebb tenant add | ls | rm`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/server.h"
#include "cli/table.h"
#include "wire/account_json.h"

namespace ebb::cli {

namespace {

struct TenantOptions {
  std::string name;
  bool as_json = false;
};

std::string path_of(const std::string& name) { return "/ebb/v1/tenants/" + url_encode(name); }

Status add_one(Context& context, Server& server, const TenantOptions& options) {
  const Result<json::value> answer = server.put(path_of(options.name), json::object());
  if (!answer) return fail(answer.error());
  context.out.line(fmt::format("{} is a tenant; `ebb key create --tenant {}` makes a key for it", options.name, options.name));
  return {};
}

Status remove_one(Context& context, Server& server, const TenantOptions& options) {
  const Result<json::value> answer = server.remove(path_of(options.name));
  if (!answer) return fail(answer.error());
  context.out.line(fmt::format("{} is removed, with its keys and budgets; its bills stay", options.name));
  return {};
}

Status list(Context& context, Server& server, const TenantOptions& options) {
  const Result<json::value> answer = server.get("/ebb/v1/tenants");
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  const auto rows = Server::rows_of<domain::Tenant>(*answer, "tenants", wire::tenant_from_json);
  if (!rows) return fail(rows.error());
  if (rows->empty()) {
    context.err.line("no tenants yet: add one with `ebb tenant add NAME`");
    return {};
  }
  Table table({{"TENANT"}, {"SINCE"}});
  for (const domain::Tenant& tenant : *rows)
    table.add({{printable(tenant.name), Style::kBold}, {local_time(tenant.created).substr(0, 19)}});
  context.out.write(table.render(context.out));
  return {};
}

}  // namespace

void add_tenant(CLI::App& app, Context& context) {
  CLI::App* const group = plain_command(app, "tenant",
                                        {.summary = "Manage who pays.",
                                         .details = "A tenant has keys, budgets and a bill of its own; all share the endpoints.",
                                         .example = "  ebb tenant add acme\n  ebb tenant ls"});
  group->require_subcommand(1);
  // Shared with the callbacks, which the app keeps.
  const auto options = std::make_shared<TenantOptions>();

  CLI::App* const adding = client_command(*group, context, "add", {.summary = "Add a tenant.", .details = "", .example = "  ebb tenant add acme"});
  adding->add_option("tenant", options->name, "Its name: a-z, 0-9, '.', '_' and '-'")->type_name("NAME")->required();
  set_action(adding, context, [&context, options](Server& server, Interrupt&) { return add_one(context, server, *options); });

  CLI::App* const listing = client_command(*group, context, "ls", {.summary = "List tenants.", .details = "", .example = "  ebb tenant ls"});
  listing->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(listing, context, [&context, options](Server& server, Interrupt&) { return list(context, server, *options); });

  CLI::App* const removing = client_command(
      *group, context, "rm",
      {.summary = "Remove a tenant, its keys and its budgets.", .details = "Its running calls finish; its bills stay.", .example = "  ebb tenant rm acme"});
  removing->add_option("tenant", options->name, "Which tenant")->type_name("NAME")->required();
  set_action(removing, context, [&context, options](Server& server, Interrupt&) { return remove_one(context, server, *options); });
}

}  // namespace ebb::cli
