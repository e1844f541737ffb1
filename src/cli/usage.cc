// `ebb usage export`: every call on a line, for programs and for `ebb plan`.
#include "cli/usage.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "wire/quantity.h"

namespace ebb::cli {

namespace {

Result<std::string> path_of(const Context& context, const UsageWanted& wanted) {
  std::string path = "/ebb/v1/usage";
  if (!wanted.last.empty()) {
    const Result<milliseconds> last = wire::parse_duration(wanted.last);
    if (!last) return usage_error(fmt::format("--last: {}", last.error().message));
    if (last->count() <= 0) return usage_error("--last must be longer than nothing: write a time such as 7d or 12h");
    path += "?from=" + url_encode(wire::format_time(context.clock.wall() - *last));
  }
  if (!wanted.endpoint.empty()) path += fmt::format("{}endpoint={}", wanted.last.empty() ? "?" : "&", url_encode(wanted.endpoint));
  return path;
}

}  // namespace

Status export_usage(Context& context, Server& server, const UsageWanted& wanted, const std::function<bool(std::string_view line)>& take) {
  Result<std::string> path = path_of(context, wanted);
  if (!path) return fail(path.error());
  // As long as it takes: there may be years.
  const auto response = server.stream({.path = std::move(*path), .time_max = milliseconds(0)}, take);
  return response ? Status() : fail(response.error());
}

void add_usage(CLI::App& app, Context& context) {
  CLI::App* const group = app.add_subcommand("usage", "Every call that ended, one by one.");
  group->require_subcommand(1);
  group->footer("Example:\n  ebb usage export --last 7d > week.jsonl\n  ebb plan week.jsonl\n\nSums of them, as money: ebb bill");
  CLI::App* const command =
      client_command(*group, context, "export",
                     {.summary = "Print a JSON object for each call that has ended, as `ebb plan` reads them.",
                      .details = "In the order in which they ended; times are in UTC, and names of numbers end in their unit. A line whose tier\n"
                                 "is init is no call but the start of a function's instance.",
                      .example = "  ebb usage export --last 7d > week.jsonl\n  ebb usage export --endpoint chat | jq .total_ns"});
  // Shared with the callback, which the app keeps.
  const auto wanted = std::make_shared<UsageWanted>();
  command->add_option("--last", wanted->last, "Only calls that ended in this time up to now, such as 7d or 12h; all if left out")->type_name("TIME");
  command->add_option("--endpoint", wanted->endpoint, "Only calls of this endpoint")->type_name("ENDPOINT");
  set_action(command, context, [&context, wanted](Server& server, Interrupt&) {
    return export_usage(context, server, *wanted, [&context](std::string_view line) {
      if (!line.empty()) context.out.line(line);
      return !context.out.closed();
    });
  });
}

}  // namespace ebb::cli
