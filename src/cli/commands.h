// The client commands. Each add_… puts one on the command line; what it does is in the file of its name.
#pragma once

#include <functional>
#include <string>

#include "cli/context.h"

namespace ebb::cli {

class Interrupt;
class Server;

// Names the app and adds every command below. `context` must outlive the app.
void add_commands(CLI::App& app, Context& context);

void add_deploy(CLI::App& app, Context& context);
void add_chat(CLI::App& app, Context& context);
void add_ps(CLI::App& app, Context& context);
void add_top(CLI::App& app, Context& context);
void add_logs(CLI::App& app, Context& context);
void add_why(CLI::App& app, Context& context);
void add_template(CLI::App& app, Context& context);
void add_tokenize(CLI::App& app, Context& context);
void add_embed(CLI::App& app, Context& context);
void add_invoke(CLI::App& app, Context& context);
void add_bill(CLI::App& app, Context& context);
void add_usage(CLI::App& app, Context& context);
void add_rm(CLI::App& app, Context& context);
void add_model(CLI::App& app, Context& context);
void add_image(CLI::App& app, Context& context);
void add_registry(CLI::App& app, Context& context);
void add_tenant(CLI::App& app, Context& context);
void add_key(CLI::App& app, Context& context);
void add_budget(CLI::App& app, Context& context);
void add_limit(CLI::App& app, Context& context);
void add_price(CLI::App& app, Context& context);
void add_ledger(CLI::App& app, Context& context);
void add_audit(CLI::App& app, Context& context);
void add_status(CLI::App& app, Context& context);
void add_completion(CLI::App& app, Context& context);
void add_version(CLI::App& app, Context& context);

// What a command's help says: a line for the list of commands, what else there is to know, and examples.
struct Help {
  std::string summary;
  std::string details;  // may be empty
  std::string example;
};
CLI::App* plain_command(CLI::App& parent, const std::string& name, const Help& help);
// --server and --ca.
void add_server_options(CLI::App* command, Context& context);
// The same for a command that talks to a server: with these.
CLI::App* client_command(CLI::App& parent, Context& context, const std::string& name, const Help& help);
// What such a command does once the command line is read: run_client with `action`, which holds what the options were read into.
void set_action(CLI::App* command, Context& context, std::function<Status(Server&, Interrupt&)> action);

}  // namespace ebb::cli
