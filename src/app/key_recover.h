// `ebb key recover` on the command line: a new key for who has the home and lost the last one that administers.
#pragma once

#include "cli/context.h"

namespace ebb::app {

// After the client's commands, of whose `ebb key` it is one. `context` must outlive the app.
void add_key_recover(CLI::App& app, cli::Context& context);

}  // namespace ebb::app
