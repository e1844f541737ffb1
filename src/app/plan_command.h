// `ebb plan`: what a recorded day would have done here, and what it would have cost.
#pragma once

#include "cli/context.h"

namespace ebb::app {

void add_plan(CLI::App& app, cli::Context& context);

}  // namespace ebb::app
