// `ebb logs`: what workers said.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/server.h"

namespace ebb::cli {

namespace {

struct LogsOptions {
  std::string endpoint;
  bool follow = false;
  bool as_json = false;
};

Status logs(Context& context, Server& server, const LogsOptions& options) {
  Status understood;
  HttpRequest request{.path = fmt::format("{}/logs?after=0{}", endpoint_path(options.endpoint), options.follow ? "&follow=true" : "")};
  if (options.follow) request.time_max = milliseconds(0);
  const auto response = server.stream(std::move(request), [&](std::string_view line) {
    if (line.empty()) return true;  // keeps the connection alive
    if (options.as_json) {
      context.out.line(line);
      return !context.out.closed();
    }
    const Result<json::value> value = parse_json(line);
    const Result<wire::LogRow> row = value ? wire::log_row_from_json(*value) : fail(value.error());
    if (!row) {
      understood = fail(row.error().with_context("a line of the log makes no sense to this version of ebb"));
      return false;
    }
    context.out.line(context.out.styled(Style::kDim, local_time(row->at)) + "  " + printable(row->text));
    return !context.out.closed();
  });
  if (!response) return fail(response.error());
  return understood;
}

}  // namespace

void add_logs(CLI::App& app, Context& context) {
  CLI::App* const command = client_command(app, context, "logs",
                                           {.summary = "Print what an endpoint's workers said.",
                                            .details = "Also what was done with them. Prompts and answers are never logged. The last 500 lines are kept.",
                                            .example = "  ebb logs chat\n  ebb logs chat -f"});
  // Shared with the callback, which the app keeps.
  const auto options = std::make_shared<LogsOptions>();
  command->add_option("endpoint", options->endpoint, "Which endpoint")->type_name("ENDPOINT")->required();
  command->add_flag("-f,--follow", options->follow, "Go on with new lines as they come, until Ctrl-C");
  command->add_flag("--json", options->as_json, "Print each line as a JSON object");
  set_action(command, context, [&context, options](Server& server, Interrupt&) { return logs(context, server, *options); });
}

}  // namespace ebb::cli
