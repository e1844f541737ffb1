// The client commands. Each add_… puts one on the command line; what it does is in the file of its name.
#pragma once

#include <string>

#include "cli/context.h"

namespace ebb::cli {

// Names the app and adds every command below. `context` must outlive the app.
void add_commands(CLI::App& app, Context& context);

void add_deploy(CLI::App& app, Context& context);
void add_chat(CLI::App& app, Context& context);
void add_ps(CLI::App& app, Context& context);
void add_top(CLI::App& app, Context& context);
void add_logs(CLI::App& app, Context& context);
void add_why(CLI::App& app, Context& context);
void add_bill(CLI::App& app, Context& context);
void add_rm(CLI::App& app, Context& context);
void add_model(CLI::App& app, Context& context);
void add_status(CLI::App& app, Context& context);
void add_completion(CLI::App& app, Context& context);
void add_version(CLI::App& app, Context& context);

// A command that talks to a server: with --server, and an example at the end of its help.
CLI::App* client_command(CLI::App& parent, Context& context, const std::string& name, const std::string& description, const std::string& example);

}  // namespace ebb::cli
