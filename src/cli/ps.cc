// `ebb ps` and `ebb status`: how things are now.
#include "cli/ps.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/server.h"
#include "cli/table.h"

namespace ebb::cli {

namespace {

// A model, an image, or an engine that needs neither.
std::string what_runs(const wire::EndpointRow& row) {
  if (!row.image.empty()) return fmt::format("{} ({})", row.image, row.contract);
  return row.model.empty() ? std::string(domain::to_string(row.spec.engine)) : row.model;
}

std::string counted(int64_t count, std::string_view word) { return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s"); }

Style style_of(std::string_view state) {
  if (state == "ready") return Style::kGreen;
  if (state == "parked" || state == "parking") return Style::kCyan;
  if (state == "starting" || state == "draining") return Style::kYellow;
  if (state == "failed") return Style::kRed;
  return Style::kDim;
}

struct PsOptions {
  bool as_json = false;
};

Status print_endpoints(Context& context, Server& server, const PsOptions& options) {
  const Result<json::value> answer = server.get("/ebb/v1/endpoints");
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  const auto rows = Server::rows_of<wire::EndpointRow>(*answer, "endpoints", wire::endpoint_row_from_json);
  if (!rows) return fail(rows.error());
  if (rows->empty()) {
    context.err.line("no endpoints yet: deploy one with `ebb deploy NAME --model FILE.gguf`");
    return {};
  }
  const Result<json::value> of_server = server.get("/ebb/v1/status");
  if (!of_server) return fail(of_server.error());
  const Result<wire::StatusRow> status = wire::status_row_from_json(*of_server);
  if (!status) return fail(status.error());
  context.out.write(endpoint_table(*rows, status->currency, context.clock.wall(), context.out));
  return {};
}

std::string tls_line(const wire::StatusRow::Tls& tls, const Output& out) {
  const std::string whole = fmt::format("{}, until {}", tls.names.empty() ? "a certificate without names" : printable(tls.names), local_time(tls.ends));
  return tls.problem.empty() ? whole : whole + "; " + out.styled(Style::kRed, printable(tls.problem));
}

Status print_status(Context& context, Server& server, const PsOptions& options) {
  const Result<json::value> answer = server.get("/ebb/v1/status");
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  const Result<wire::StatusRow> status = wire::status_row_from_json(*answer);
  if (!status) return fail(status.error());
  Output& out = context.out;
  const std::string ready = status->ready ? out.styled(Style::kGreen, "yes") : out.styled(Style::kRed, "no") + ": " + status->not_ready_why;
  out.line(fmt::format("server     {}", context.server));
  out.line(fmt::format("version    {}", status->version));
  out.line(fmt::format("home       {}", status->home));
  if (status->tls) out.line("tls        " + tls_line(*status->tls, out));
  out.line(fmt::format("ready      {}", ready));
  out.line(fmt::format("endpoints  {}", status->endpoints));
  out.line(fmt::format("workers    {} on {}", status->workers, counted(status->cores, "core")));
  if (!status->processors.empty()) out.line(fmt::format("processors {}", printable(status->processors)));
  const std::string huge = status->memory_huge_page_bytes == 0 ? "none" : human_bytes(status->memory_huge_page_bytes);
  out.line(fmt::format("memory     {} in workers, {} mapped in huge pages, limit {}, {} free on the machine", human_bytes(status->memory_workers_bytes), huge,
                       human_bytes(status->memory_limit_bytes), human_bytes(status->memory_available_bytes)));
  const char* heading = "sandbox  ";
  for (const wire::StatusRow::Layer& layer : status->sandbox) {
    const std::string active = layer.active ? out.styled(Style::kGreen, "on ") : out.styled(Style::kRed, "off");
    out.line(fmt::format("{}  {}  {}{}{}", heading, active, printable(layer.name), layer.detail.empty() ? "" : ": ", printable(layer.detail)));
    heading = "         ";
  }
  if (!status->containers.empty()) out.line(fmt::format("containers {}", printable(status->containers)));
  return {};
}

}  // namespace

std::string endpoint_table(const std::vector<wire::EndpointRow>& rows, std::string_view currency, WallTime now, const Output& out) {
  using Row = wire::EndpointRow;
  const std::vector<Field<Row>> fields = {
      {{"ENDPOINT"}, [](const Row& row) { return Cell(row.spec.name, Style::kBold); }},
      {{"STATE"}, [](const Row& row) { return Cell(row.state, style_of(row.state)); }},
      {{"BUSY/READY"}, [](const Row& row) { return Cell(fmt::format("{}/{}", row.slots_busy, row.slots_ready)); }},
      {{"WAITING", Align::kRight}, [](const Row& row) { return Cell(fmt::format("{}", row.waiting), row.waiting > 0 ? Style::kYellow : Style::kPlain); }},
      {{"MEMORY", Align::kRight},
       [](const Row& row) { return Cell(row.memory_bytes == 0 ? "-" : (row.memory_measured ? "" : "≤ ") + human_bytes(row.memory_bytes)); }},
      {{"LAST CALL", Align::kRight},
       [now](const Row& row) { return Cell(row.last_call ? human_age(std::max(now - *row.last_call, milliseconds(0))) : "never"); }},
      {{"CALLS", Align::kRight}, [](const Row& row) { return Cell(fmt::format("{}", row.calls)); }},
      {{currency.empty() ? "SPENT" : fmt::format("SPENT {}", currency), Align::kRight}, [](const Row& row) { return Cell(domain::format_money(row.spent)); }},
      {{"RUNS"}, [](const Row& row) { return Cell(what_runs(row)); }}};
  return render_rows(fields, rows, out);
}

std::string status_line(const wire::StatusRow& status, const Output& out) {
  const std::string ready =
      status.ready ? out.styled(Style::kGreen, "ready") : out.styled(Style::kRed, "not ready") + " (" + printable(status.not_ready_why) + ")";
  return fmt::format("{} · {} on {} · {} of {} in workers", ready, counted(status.workers, "worker"), counted(status.cores, "core"),
                     human_bytes(status.memory_workers_bytes), human_bytes(status.memory_limit_bytes));
}

void add_ps(CLI::App& app, Context& context) {
  CLI::App* const command = client_command(app, context, "ps",
                                           {.summary = "List endpoints: state, slots, memory, calls and money spent.",
                                            .details = "States: absent (no process), prepared (a sandbox without its function), starting, ready, parking\n"
                                                       "(what it knows is being saved), parked (weights mapped, no other memory), draining, failed.\n"
                                                       "BUSY/READY are slots, WAITING calls without one; MEMORY is measured; after ≤ it is what\n"
                                                       "functions may take, where they cannot be measured.",
                                            .example = "  ebb ps\n  ebb ps --json | jq '.endpoints[].name'"});
  // Shared with the callback, which the app keeps.
  const auto options = std::make_shared<PsOptions>();
  command->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(command, context, [&context, options](Server& server, Interrupt&) { return print_endpoints(context, server, *options); });
}

void add_status(CLI::App& app, Context& context) {
  CLI::App* const command = client_command(app, context, "status",
                                           {.summary = "Show whether the server takes calls, and its memory, workers and sandbox.",
                                            .details = "",
                                            .example = "  ebb status\n  ebb status --json | jq .ready"});
  const auto options = std::make_shared<PsOptions>();
  command->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(command, context, [&context, options](Server& server, Interrupt&) { return print_status(context, server, *options); });
}

}  // namespace ebb::cli
