// `ebb why`: the decisions about an endpoint, or the story of one call.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/server.h"
#include "wire/usage_json.h"

namespace ebb::cli {

namespace {

constexpr size_t kIdDigits = 16;

struct WhyOptions {
  std::string what;
  size_t last = 20;
  bool as_json = false;
};

// "0661081e9ab15800", or with a word before it: "chatcmpl-0661081e9ab15800", "req_0661081e9ab15800".
bool is_call_id(std::string_view text) {
  if (text.size() < kIdDigits) return false;
  const std::string_view before = text.substr(0, text.size() - kIdDigits);
  const bool marked = before.empty() || before.ends_with('-') || before.ends_with('_');
  return marked && from_hex(std::string(text.substr(before.size()))) != 0;
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

Status why_endpoint(Context& context, Server& server, const WhyOptions& options) {
  const Result<json::value> answer = server.get(endpoint_path(options.what) + "/decisions");
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  const auto rows = Server::rows_of<wire::DecisionRow>(*answer, "decisions", wire::decision_row_from_json);
  if (!rows) return fail(rows.error());
  if (rows->empty()) context.err.line(fmt::format("nothing was decided about {} since the server started", options.what));
  const size_t skip = rows->size() - std::min(rows->size(), options.last);
  if (skip > 0) context.err.line(fmt::format("the last {} of {} decisions; --last {} shows all", options.last, rows->size(), rows->size()));
  for (size_t i = skip; i < rows->size(); ++i)
    print_decision(context, (*rows)[i]);
  return {};
}

Status why_call(Context& context, Server& server, const WhyOptions& options) {
  const Result<json::value> answer = server.get("/ebb/v1/calls/" + url_encode(options.what));
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  const Result<wire::CallRow> row = wire::call_row_from_json(*answer);
  if (!row) return fail(row.error().with_context(kNoSense));
  Output& out = context.out;
  out.line(out.styled(Style::kBold, fmt::format("Call {} of '{}' ({})", row->call, printable(row->endpoint), printable(row->state))));
  for (const std::string& sentence : row->story)
    out.line(printable(sentence));
  if (!row->why_not_faster.empty()) out.line("\n" + out.styled(Style::kBold, "Why it was not faster"));
  for (const std::string& sentence : row->why_not_faster)
    out.line(printable(sentence));
  if (!row->decisions.empty()) out.line("\n" + out.styled(Style::kBold, "What was decided about it"));
  for (const wire::DecisionRow& decision : row->decisions)
    print_decision(context, decision);
  return {};
}

// An endpoint may be called like a call: it is shown where there is no such call.
Status why(Context& context, Server& server, const WhyOptions& options) {
  if (!is_call_id(options.what)) return why_endpoint(context, server, options);
  Status of_call = why_call(context, server, options);
  if (of_call || of_call.error().kind != ErrorKind::kNotFound) return of_call;
  return why_endpoint(context, server, options) ? Status() : of_call;
}

}  // namespace

void add_why(CLI::App& app, Context& context) {
  CLI::App* const command =
      client_command(app, context, "why",
                     {.summary = "Explain the last decisions about an endpoint, or what became of one call and why it was not faster.",
                      .details = "A call is named by its id: in `ebb why ENDPOINT` and the server's log, in an answer's \"id\" (chatcmpl-…), and\n"
                                 "in its header x-request-id (req_…). Decisions come oldest first, each with the inputs that it was made from;\n"
                                 "with --json also as numbers whose names end in their unit.",
                      .example = "  ebb why chat\n  ebb why chat --last 5\n  ebb why chatcmpl-0661081e9ab15800"});
  // Shared with the callback, which the app keeps.
  const auto options = std::make_shared<WhyOptions>();
  command->add_option("endpoint", options->what, "Which endpoint, or which call")->type_name("ENDPOINT|CALL")->required();
  command->add_option("--last", options->last, "How many decisions about an endpoint; 20 if left out")->type_name("N");
  command->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(command, context, [&context, options](Server& server, Interrupt&) { return why(context, server, *options); });
}

}  // namespace ebb::cli
