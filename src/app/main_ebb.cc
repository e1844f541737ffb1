// The program `ebb`: the server and its client commands.
#include <CLI/CLI.hpp>

#include "app/key_recover.h"
#include "app/plan_command.h"
#include "app/serve_command.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "io/clock.h"

int main(int argc, char** argv) {
  const ebb::io::SystemClock clock;
  CLI::App app;
  ebb::cli::Context context(EBB_VERSION, clock);
  ebb::app::add_serve(app, context);
  ebb::app::add_plan(app, context);
  ebb::cli::add_commands(app, context);
  ebb::app::add_key_recover(app, context);
  return ebb::cli::run(app, context, argc, argv);
}
