// Without a server, whose lock of the home tells that there is none.
#include "app/key_recover.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "app/accounting.h"
#include "app/serve_options.h"
#include "cli/commands.h"
#include "ledger/home.h"

namespace ebb::app {

namespace {

// Whose the lost one was, as far as that can be known.
std::optional<std::string> tenant_of_administrator(const ledger::Keyring& keyring) {
  const std::vector<domain::Key> keys = keyring.keys();
  const auto found = std::ranges::find_if(keys, [](const domain::Key& key) { return !key.revoked && key.scopes.has(domain::Scope::kAdmin); });
  return found == keys.end() ? std::nullopt : std::optional(found->tenant);
}

Status recover(const std::string& path, cli::Context& context) {
  const std::filesystem::path folder = path.empty() ? default_home() : std::filesystem::absolute(path);
  std::error_code ignored;
  if (!std::filesystem::exists(folder / "accounts.db", ignored))
    return fail(ErrorKind::kNotFound, fmt::format("{} is no home of a server: give the one that `ebb serve` has with --home", folder.string()));
  const Result<ledger::Home> home = ledger::open_home(folder);
  if (!home) return fail(home.error().kind == ErrorKind::kExists ? home.error().with_context("end the server first") : home.error());
  const Result<std::unique_ptr<Accounting>> accounting = Accounting::open(folder, context.clock);
  if (!accounting) return fail(accounting.error());
  ledger::Keyring& keyring = (*accounting)->keyring();
  const std::optional<std::string> tenant = tenant_of_administrator(keyring);
  if (!keyring.locked() || !tenant)
    return fail(ErrorKind::kNotFound, "nothing is lost: the server has no keys, so it asks nobody for one; `ebb key create` makes the first");
  const WallTime now = context.clock.wall();
  const Result<ledger::MadeKey> made = keyring.create({.tenant = *tenant, .label = "recovered", .scopes = {domain::Scope::kAdmin}}, now);
  if (!made) return fail(made.error());
  (*accounting)->audit().did({}, "recovered", "a key with the scope admin: " + made->key.id, 200, now);
  context.out.line(made->text);
  context.err.line(fmt::format("this is shown once: keep it. It is of the tenant '{}', and its id is {}; `ebb key revoke` ends the one that was lost", *tenant,
                               made->key.id));
  return {};
}

}  // namespace

void add_key_recover(CLI::App& app, cli::Context& context) {
  CLI::App* const command = cli::plain_command(
      *app.get_subcommand("key"), "recover",
      {.summary = "Make a key that administers, from the server's home.",
       .details = "For who lost the last one: on the server's machine, as the user that it runs as, while it does not run. The log of who did what says so.",
       .example = "  ebb key recover --home ./ebb-home"});
  const auto home = std::make_shared<std::string>();
  command->add_option("--home", *home, "The server's home (default: $EBB_HOME, else ~/.local/share/ebb)")->type_name("PATH");
  command->callback([home, &context] {
    context.action = [home, &context]() -> int {
      const Status recovered = recover(*home, context);
      return recovered ? cli::kExitOk : cli::report(context, recovered.error());
    };
  });
}

}  // namespace ebb::app
