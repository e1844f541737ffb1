// The export goes through a file without a name: a trace is read by lines, and may be larger than memory likes.
#include "app/plan_installed.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "cli/human.h"
#include "cli/server.h"
#include "cli/table.h"
#include "cli/usage.h"
#include "plan/report.h"

namespace ebb::app {

namespace {

using plan::Proposal;

Result<plan::SettingsByName> settings_of(cli::Server& server) {
  const auto rows = server.list<wire::EndpointRow>("/ebb/v1/endpoints", "endpoints", wire::endpoint_row_from_json);
  if (!rows) return fail(rows.error());
  plan::SettingsByName settings;
  for (const wire::EndpointRow& row : *rows) {
    plan::Settings& own = settings[row.spec.name] = plan::settings_of(row.spec);
    own.memory_mib = row.memory_mib;
    if (row.calls_per_instance > 0) own.calls_per_instance = static_cast<int>(row.calls_per_instance);
  }
  return settings;
}

Result<plan::Trace> trace_of(cli::Context& context, cli::Server& server, const std::string& last) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
  if (!file) return fail(errno_error("cannot make a file for the export", errno));
  size_t lines = 0;
  const Status exported = cli::export_usage(context, server, {.last = last, .endpoint = {}}, [&](std::string_view line) {
    lines += line.empty() ? 0 : 1;
    return std::fwrite(line.data(), 1, line.size(), file.get()) == line.size() && std::fputc('\n', file.get()) != EOF;
  });
  if (!exported) return fail(exported.error());
  if (std::fflush(file.get()) != 0 || std::ferror(file.get()) != 0) return fail(errno_error("cannot write the export into a file", errno));
  if (lines == 0) return fail(ErrorKind::kNotFound, fmt::format("no call has ended in the last {}: there is nothing to plan", last));
  return plan::read_trace(fmt::format("/proc/self/fd/{}", ::fileno(file.get())));
}

std::string usd(double value) { return plan::figure(value); }
std::string seconds_of(const plan::Outcome& outcome) {
  return cli::human_time(std::chrono::round<nanoseconds>(std::chrono::duration<double>(outcome.waited_s)));
}

boost::json::object figures_of(const plan::Outcome& outcome, double memory_price) {
  return {{"cold_starts", outcome.cold},
          {"refused", outcome.refused},
          {"waited_s", outcome.waited_s},
          {"memory_gib_hours", plan::gib_hours(outcome)},
          {"memory_cost_usd", plan::gib_hours(outcome) * memory_price},
          {"cost_with_waits_usd", plan::cost_of(outcome, memory_price)}};
}

}  // namespace

Result<Installed> fetch_installed(cli::Context& context, const std::string& last) {
  cli::Interrupt interrupt;
  cli::Server server(context, interrupt);
  Result<plan::Trace> trace = trace_of(context, server, last);
  if (!trace) return fail(trace.error());
  Result<plan::SettingsByName> settings = settings_of(server);
  if (!settings) return fail(settings.error());
  const Result<json::value> answer = server.get("/ebb/v1/status");
  if (!answer) return fail(answer.error());
  const Result<wire::StatusRow> status = wire::status_row_from_json(*answer);
  if (!status) return fail(status.error().with_context(cli::kNoSense));
  trace->go_on_until(context.clock.wall());
  return Installed{.trace = std::move(*trace), .settings = std::move(*settings), .memory_limit_bytes = status->memory_limit_bytes};
}

void print_proposals(const plan::Proposals& proposals, double memory_price, const std::string& last, cli::Context& context) {
  if (proposals.endpoints.empty()) {
    context.out.line(fmt::format("\nNo endpoint that was called in the last {} is deployed now: there is nothing to propose.", last));
    return;
  }
  const std::vector<cli::Field<Proposal>> fields{
      {{"ENDPOINT"}, [](const Proposal& p) { return cli::Cell{p.endpoint}; }},
      {{"CALLS", cli::Align::kRight}, [](const Proposal& p) { return cli::Cell{fmt::format("{}", p.now.calls)}; }},
      {{"COLD STARTS", cli::Align::kRight}, [](const Proposal& p) { return cli::Cell{fmt::format("{}", p.now.cold)}; }},
      {{"WAITED", cli::Align::kRight}, [](const Proposal& p) { return cli::Cell{seconds_of(p.now)}; }},
      {{"COST USD", cli::Align::kRight}, [=](const Proposal& p) { return cli::Cell{usd(plan::cost_of(p.now, memory_price))}; }},
      {{"PROPOSED"}, [](const Proposal& p) { return cli::Cell{p.change.empty() ? "leave it as it is" : p.change}; }},
      {{"COLD STARTS", cli::Align::kRight}, [](const Proposal& p) { return cli::Cell{fmt::format("{}", p.then.cold)}; }},
      {{"WAITED", cli::Align::kRight}, [](const Proposal& p) { return cli::Cell{seconds_of(p.then)}; }},
      {{"COST USD", cli::Align::kRight}, [=](const Proposal& p) { return cli::Cell{usd(plan::cost_of(p.then, memory_price))}; }},
  };
  context.out.line(fmt::format("\nEach endpoint on its own calls of the last {}, as it is set now and as it could be (what a call waits costs too):\n", last));
  context.out.write(cli::render_rows(fields, proposals.endpoints, context.out));
  context.out.line("");
  if (std::ranges::all_of(proposals.endpoints, [](const Proposal& p) { return p.change.empty(); })) {
    context.out.line(
        fmt::format("Leave them as they are: no other setting that was tried saves {:.0f} % of what an endpoint costs.", 100 * plan::kProposedSavingMin));
    return;
  }
  for (const Proposal& p : proposals.endpoints) {
    if (p.change.empty()) continue;
    context.out.line(fmt::format(
        "{}: with `scaling: {{{}}}` its memory would have cost {} USD instead of {}, and its callers would have waited {} instead of {}.", p.endpoint, p.change,
        usd(plan::gib_hours(p.then) * memory_price), usd(plan::gib_hours(p.now) * memory_price), seconds_of(p.then), seconds_of(p.now)));
  }
  context.out.line(fmt::format("All together: {} cold start{} instead of {}, {} USD of memory instead of {}, {} of waiting instead of {}.", proposals.then.cold,
                               proposals.then.cold == 1 ? "" : "s", proposals.now.cold, usd(plan::gib_hours(proposals.then) * memory_price),
                               usd(plan::gib_hours(proposals.now) * memory_price), seconds_of(proposals.then), seconds_of(proposals.now)));
}

boost::json::object to_json(const plan::Proposals& proposals, double memory_price) {
  boost::json::array endpoints;
  for (const Proposal& p : proposals.endpoints) {
    endpoints.push_back({{"endpoint", p.endpoint},
                         {"calls", p.now.calls},
                         {"change", p.change.empty() ? boost::json::value(nullptr) : boost::json::value(p.change)},
                         {"now", figures_of(p.now, memory_price)},
                         {"proposed", figures_of(p.then, memory_price)}});
  }
  return {{"endpoints", std::move(endpoints)}, {"now", figures_of(proposals.now, memory_price)}, {"proposed", figures_of(proposals.then, memory_price)}};
}

}  // namespace ebb::app
