// `ebb registry login | logout | ls`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/server.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "domain/limits.h"
#include "wire/image_admin_json.h"

namespace ebb::cli {

namespace {

struct RegistryOptions {
  std::string host;
  std::string username;
  std::string token_server;
  bool as_json = false;
};

std::string path_of(const std::string& host) { return "/ebb/v1/registries/" + url_encode(host); }

// One line, so that `echo` and a password manager's output serve.
Result<std::string> read_password(Context& context, Interrupt& interrupt) {
  LineReader reader(context.in, domain::kRegistrySecretBytesMax, interrupt);
  std::string password;
  const LineReader::End end = reader.rest(password);
  if (end == LineReader::End::kInterrupted) return fail(ErrorKind::kCancelled, "interrupted");
  if (end == LineReader::End::kTooLong) return usage_error(fmt::format("the password on stdin is longer than {} bytes", domain::kRegistrySecretBytesMax));
  while (password.ends_with('\n') || password.ends_with('\r'))
    password.pop_back();
  if (password.empty()) return usage_error("there is no password on stdin: ebb registry login HOST --username NAME < password.txt");
  return password;
}

Status log_in(Context& context, Server& server, Interrupt& interrupt, const RegistryOptions& options) {
  Result<std::string> password = read_password(context, interrupt);
  if (!password) return fail(password.error());
  const wire::PutLogin login{.username = options.username, .password = std::move(*password), .token_server = options.token_server};
  const Result<json::value> answer = server.put(path_of(options.host), wire::to_json(login));
  if (!answer) return fail(answer.error());
  context.out.line(fmt::format("the login of {} at {} is kept; it is tried when an image is fetched from there", options.username, options.host));
  return {};
}

Status log_out(Context& context, Server& server, const RegistryOptions& options) {
  const Result<json::value> answer = server.remove(path_of(options.host));
  if (!answer) return fail(answer.error());
  context.out.line(fmt::format("the login at {} is removed", options.host));
  return {};
}

Status list_logins(Context& context, Server& server, const RegistryOptions& options) {
  const Result<json::value> answer = server.get("/ebb/v1/registries");
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  const auto rows = Server::rows_of<wire::LoginRow>(*answer, "registries", wire::login_row_from_json);
  if (!rows) return fail(rows.error());
  if (rows->empty()) {
    context.err.line("no logins: add one with `ebb registry login HOST --username NAME`");
    return {};
  }
  Table table({{"REGISTRY"}, {"USER"}, {"TOKENS FROM"}});
  for (const wire::LoginRow& row : *rows)
    table.add({{printable(row.registry), Style::kBold}, {printable(row.username)}, {printable(row.token_server)}});
  context.out.write(table.render(context.out));
  return {};
}

}  // namespace

void add_registry(CLI::App& app, Context& context) {
  CLI::App* const group = plain_command(app, "registry",
                                        {.summary = "Keep credentials for private registries.",
                                         .details = "",
                                         .example = "  ebb registry login registry.example.com --username robot < password.txt"});
  group->require_subcommand(1);
  // Shared with the callbacks, which the app keeps.
  const auto options = std::make_shared<RegistryOptions>();

  CLI::App* const adding =
      client_command(*group, context, "login",
                     {.summary = "Keep a user and a password for a registry.",
                      .details = "The password is read from stdin, one line. It is kept in the server's home, for its owner's eyes, and shown to that\n"
                                 "registry only: HOST is what stands before the first / of a reference, with its port.",
                      .example = "  ebb registry login registry.example.com --username robot < password.txt\n"
                                 "  ebb registry login localhost:5000 --username me < password.txt"});
  adding->add_option("registry", options->host, "Which registry")->type_name("HOST")->required();
  adding->add_option("--username", options->username, "Who you are there")->type_name("NAME")->required();
  adding->add_option("--token-server", options->token_server, "The server that gives out its tokens, where that is another one than the registry")
      ->type_name("URL");
  set_action(adding, context, [&context, options](Server& server, Interrupt& interrupt) { return log_in(context, server, interrupt, *options); });

  CLI::App* const removing = client_command(*group, context, "logout",
                                            {.summary = "Forget a registry's login.", .details = "", .example = "  ebb registry logout registry.example.com"});
  removing->add_option("registry", options->host, "Which registry")->type_name("HOST")->required();
  set_action(removing, context, [&context, options](Server& server, Interrupt&) { return log_out(context, server, *options); });

  CLI::App* const listing =
      client_command(*group, context, "ls", {.summary = "List logins, without passwords.", .details = "", .example = "  ebb registry ls"});
  listing->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(listing, context, [&context, options](Server& server, Interrupt&) { return list_logins(context, server, *options); });
}

}  // namespace ebb::cli
