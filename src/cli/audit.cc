// `ebb audit`: who did what.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/server.h"
#include "cli/table.h"
#include "wire/account_json.h"

namespace ebb::cli {

namespace {

struct AuditOptions {
  bool as_json = false;
};

Status list(Context& context, Server& server, const AuditOptions& options) {
  std::vector<domain::AuditEntry> entries;
  Status read;
  const auto take = [&](std::string_view line) {
    if (line.empty()) return !context.out.closed();
    if (options.as_json) {
      context.out.line(line);
      return !context.out.closed();
    }
    const Result<json::value> value = parse_json(line);
    Result<domain::AuditEntry> entry = value ? wire::audit_entry_from_json(*value) : fail(value.error());
    if (entry)
      entries.push_back(std::move(*entry));
    else
      read = fail(entry.error().with_context(kNoSense));
    return read.has_value();
  };
  const auto response = server.stream({.path = "/ebb/v1/audit", .time_max = milliseconds(0)}, take);
  if (!response) return fail(response.error());
  if (!read || options.as_json) return read;
  if (entries.empty()) {
    context.err.line("nothing was done or denied yet");
    return {};
  }
  using Row = domain::AuditEntry;
  const std::vector<Field<Row>> fields = {
      {{"AT"}, [](const Row& row) { return Cell{local_time(row.at).substr(0, 19)}; }},
      {{"KEY"}, [](const Row& row) { return Cell{row.key.empty() ? "-" : printable(row.key)}; }},
      {{"TENANT"}, [](const Row& row) { return Cell{row.tenant.empty() ? "-" : printable(row.tenant)}; }},
      {{"DID"},
       [](const Row& row) {
         return Cell{printable(row.what), row.what == "denied" ? Style::kYellow : Style::kPlain};
       }},
      {{"WHAT"}, [](const Row& row) { return Cell{printable(row.subject)}; }},
      {{"STATUS", Align::kRight}, [](const Row& row) { return Cell{fmt::format("{}", row.status)}; }},
      {{"TIMES", Align::kRight}, [](const Row& row) { return Cell{fmt::format("{}", row.times)}; }},
  };
  context.out.write(render_rows(fields, entries, context.out));
  return {};
}

}  // namespace

void add_audit(CLI::App& app, Context& context) {
  CLI::App* const command =
      client_command(app, context, "audit",
                     {.summary = "Show who changed what, and what was denied.",
                      .details = "Each entry is linked to the one before, as those of the ledger are; the server checks them as they are read.\n"
                                 "What is denied is counted by the minute.",
                      .example = "  ebb audit\n  ebb audit --json"});
  const auto options = std::make_shared<AuditOptions>();
  command->add_flag("--json", options->as_json, "Print the server's answer as JSON, an entry a line");
  set_action(command, context, [&context, options](Server& server, Interrupt&) { return list(context, server, *options); });
}

}  // namespace ebb::cli
