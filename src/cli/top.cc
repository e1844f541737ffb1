// `ebb top`: `ebb ps` again and again.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/ps.h"
#include "cli/server.h"
#include "cli/terminal.h"

namespace ebb::cli {

namespace {

constexpr milliseconds kRedrawEvery{1000};

Result<std::string> screen(Context& context, Server& server) {
  const Result<json::value> answer = server.get("/ebb/v1/status");
  if (!answer) return fail(answer.error());
  const Result<wire::StatusRow> status = wire::status_row_from_json(*answer);
  if (!status) return fail(status.error());
  const auto rows = server.list<wire::EndpointRow>("/ebb/v1/endpoints", "endpoints", wire::endpoint_row_from_json);
  if (!rows) return fail(rows.error());
  return fmt::format("{}\n\n{}", status_line(*status, context.out), endpoint_table(*rows, status->currency, context.clock.wall(), context.out));
}

Status top(Context& context, Server& server, Interrupt& interrupt, bool once) {
  Result<std::string> text = screen(context, server);
  if (!text) return fail(text.error());
  if (once || !context.out.terminal()) {
    context.out.write(*text);
    return {};
  }
  FullScreen full(context.in, context.out);
  while (!interrupt.raised() && !context.out.closed()) {
    const std::string heading = fmt::format("ebb top · {} · {} · q ends", context.server, local_time(context.clock.wall()).substr(11, 8));
    // A server that restarts is worth waiting for.
    const std::string body = text ? *text : context.err.styled(Style::kRed, "error:") + " " + printable(text.error().message) + "\n";
    full.draw(context.out.styled(Style::kBold, heading) + "\n" + body);
    if (full.wait_key(kRedrawEvery, interrupt) == 'q') break;
    if (!interrupt.raised()) text = screen(context, server);
  }
  interrupt.clear();  // Ctrl-C is the other way to end it
  return {};
}

}  // namespace

void add_top(CLI::App& app, Context& context) {
  CLI::App* const command = client_command(app, context, "top",
                                           {.summary = "Watch endpoints live.",
                                            .details = "`ebb ps` with the server's state, redrawn every second. q or Ctrl-C ends it.",
                                            .example = "  ebb top\n  ebb top --once"});
  // Shared with the callback, which the app keeps.
  const auto once = std::make_shared<bool>(false);
  command->add_flag("--once", *once, "Print it once and end, as it does where stdout is no terminal");
  set_action(command, context, [&context, once](Server& server, Interrupt& interrupt) { return top(context, server, interrupt, *once); });
}

}  // namespace ebb::cli
