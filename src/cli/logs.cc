// `ebb logs` and `ebb why`: what happened.
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

struct WhyOptions {
  std::string endpoint;
  size_t last = 20;
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

void print_decision(Context& context, const wire::DecisionRow& row) {
  Output& out = context.out;
  const std::string age = human_age(std::max(context.clock.wall() - row.at, milliseconds(0)));
  out.line(fmt::format("{}  {:<10}  {}  {}", local_time(row.at), age, out.styled(Style::kBold, printable(row.what)), printable(row.because)));
  std::string inputs;
  for (const auto& [name, value] : row.inputs)
    inputs += fmt::format("{}{} {}", inputs.empty() ? "" : " · ", printable(name), printable(value));
  if (!row.call.empty()) inputs += fmt::format("{}call {}", inputs.empty() ? "" : " · ", printable(row.call));
  if (!row.worker.empty()) inputs += fmt::format("{}worker {}", inputs.empty() ? "" : " · ", printable(row.worker));
  if (!inputs.empty()) out.line("    " + out.styled(Style::kDim, inputs));
}

Status why(Context& context, Server& server, const WhyOptions& options) {
  const std::string path = endpoint_path(options.endpoint) + "/decisions";
  const Result<json::value> answer = server.get(path);
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  const auto rows = Server::rows_of<wire::DecisionRow>(*answer, "decisions", wire::decision_row_from_json);
  if (!rows) return fail(rows.error());
  if (rows->empty()) context.err.line(fmt::format("nothing was decided about {} since the server started", options.endpoint));
  const size_t skip = rows->size() - std::min(rows->size(), options.last);
  if (skip > 0) context.err.line(fmt::format("the last {} of {} decisions; --last {} shows all", options.last, rows->size(), rows->size()));
  for (size_t i = skip; i < rows->size(); ++i)
    print_decision(context, (*rows)[i]);
  return {};
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

void add_why(CLI::App& app, Context& context) {
  CLI::App* const command = client_command(app, context, "why",
                                           {.summary = "Explain the last decisions about an endpoint.",
                                            .details = "Oldest first, each with the inputs that it was made from.",
                                            .example = "  ebb why chat\n  ebb why chat --last 5"});
  const auto options = std::make_shared<WhyOptions>();
  command->add_option("endpoint", options->endpoint, "Which endpoint")->type_name("ENDPOINT")->required();
  command->add_option("--last", options->last, "How many decisions; 20 if left out")->type_name("N");
  command->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(command, context, [&context, options](Server& server, Interrupt&) { return why(context, server, *options); });
}

}  // namespace ebb::cli
