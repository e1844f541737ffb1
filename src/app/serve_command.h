// `ebb serve` on the command line.
#pragma once

#include "cli/context.h"

namespace ebb::app {

// `context` must outlive the app.
void add_serve(CLI::App& app, cli::Context& context);

}  // namespace ebb::app
