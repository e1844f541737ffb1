// The command line as a whole.
#include "cli/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/server.h"

namespace ebb::cli {

void add_commands(CLI::App& app, Context& context) {
  app.name("ebb");
  app.description("Serverless AI inference on your own machine.");
  app.set_version_flag("--version", "ebb " + context.version, "Print the version of this program and exit");
  app.footer(
      "Start with:\n"
      "  ebb serve                                 in one terminal\n"
      "  ebb deploy chat --model ./some.gguf       in another\n"
      "  ebb chat chat \"Why is the sky blue?\"\n\n"
      "Every command explains itself: ebb COMMAND --help");
  app.require_subcommand(1);
  add_deploy(app, context);
  add_chat(app, context);
  add_embed(app, context);
  add_invoke(app, context);
  add_ps(app, context);
  add_top(app, context);
  add_logs(app, context);
  add_why(app, context);
  add_template(app, context);
  add_tokenize(app, context);
  add_bill(app, context);
  add_usage(app, context);
  add_rm(app, context);
  add_model(app, context);
  add_image(app, context);
  add_registry(app, context);
  add_tenant(app, context);
  add_key(app, context);
  add_budget(app, context);
  add_limit(app, context);
  add_price(app, context);
  add_ledger(app, context);
  add_audit(app, context);
  add_status(app, context);
  add_completion(app, context);
  add_version(app, context);
}

CLI::App* plain_command(CLI::App& parent, const std::string& name, const Help& help) {
  CLI::App* const command = parent.add_subcommand(name, help.summary);
  command->footer((help.details.empty() ? "" : help.details + "\n\n") + "Example:\n" + help.example);
  return command;
}

void add_server_options(CLI::App* command, Context& context) {
  // EBB_URL is read by run(): CLI11 would let the variable of one command win over the option of another.
  command->add_option("--server", context.server, fmt::format("Where the server is; EBB_URL, else {}, if left out", kDefaultServer))->type_name("URL");
  command->add_option("--ca", context.ca, "Who signs its certificate, for https; EBB_CA, else whom the system trusts, if left out")->type_name("FILE");
}

CLI::App* client_command(CLI::App& parent, Context& context, const std::string& name, const Help& help) {
  CLI::App* const command = plain_command(parent, name, help);
  add_server_options(command, context);
  return command;
}

void set_action(CLI::App* command, Context& context, std::function<Status(Server&, Interrupt&)> action) {
  command->callback([&context, action = std::move(action)] { context.action = [&context, action] { return run_client(context, action); }; });
}

void add_rm(CLI::App& app, Context& context) {
  CLI::App* const command = client_command(
      app, context, "rm",
      {.summary = "Remove an endpoint.", .details = "Running calls finish, new ones are refused. Models and bills stay.", .example = "  ebb rm chat"});
  // Shared with the callback, which the app keeps.
  const auto name = std::make_shared<std::string>();
  command->add_option("endpoint", *name, "Which endpoint")->type_name("ENDPOINT")->required();
  set_action(command, context, [&context, name](Server& server, Interrupt&) -> Status {
    const Result<json::value> answer = server.remove(endpoint_path(*name));
    if (!answer) return fail(answer.error());
    context.out.line(*name + " is removed");
    return {};
  });
}

void add_version(CLI::App& app, Context& context) {
  CLI::App* const command =
      plain_command(app, "version", {.summary = "Print the version of this program.", .details = "`ebb status` has the server's.", .example = "  ebb version"});
  const auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "Print it as JSON");
  command->callback([&context, as_json] {
    context.action = [&context, as_json] {
      context.out.line(*as_json ? json::serialize(json::value{{"version", context.version}}) : "ebb " + context.version);
      return kExitOk;
    };
  });
}

}  // namespace ebb::cli
