// Reads a trace, runs every policy over it, prints the table. Needs no server.
#include "app/plan_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "app/plan_config.h"
#include "app/plan_installed.h"
#include "app/plan_validate.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "domain/price_presets.h"
#include "plan/fixed.h"
#include "plan/knative.h"
#include "plan/replay.h"
#include "plan/report.h"
#include "plan/trace.h"
#include "wire/quantity.h"

namespace ebb::app {

namespace {

using plan::Outcome;
using plan::Report;

struct Flags {
  std::string trace;
  std::string last;
  std::vector<std::string> configs;
  bool validate = false;
  double speed = 60;
  int64_t minutes = 120;
  int64_t endpoints = 8;
  std::string memory;
  std::string start;
  std::string service = "100ms";
  std::string instance_memory = "256MiB";
  int concurrency = 64;
  double prompt_speed = 2'000;
  double answer_speed = 50;
  double memory_price = static_cast<double>(domain::kMemoryPerGibHour) / 1e12;
  std::string html;
  bool json = false;
};

constexpr std::array kFixedMinutes{1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 240};
constexpr std::array kShownMinutes{1, 5, 10, 20, 60, 240};
constexpr std::array kKnativeWindows{6, 15, 30, 60, 120, 300, 600, 1'200, 3'600};  // what it allows, in seconds
constexpr std::array kWorths{0.1, 10.0};

Result<milliseconds> duration(const std::string& text, std::string_view flag) {
  Result<milliseconds> read = wire::parse_duration(text);
  if (!read) return fail(read.error().with_context(flag));
  return *read;
}

Result<uint64_t> size(const std::string& text, std::string_view flag) {
  Result<uint64_t> read = wire::parse_size(text);
  if (!read) return fail(read.error().with_context(flag));
  return *read;
}

Result<plan::World> world_of(const Flags& flags) {
  plan::World world;
  if (!flags.start.empty()) {
    const Result<milliseconds> start = duration(flags.start, "--start");
    if (!start) return fail(start.error());
    world.start = *start;
  }
  const Result<milliseconds> service = duration(flags.service, "--service");
  if (!service) return fail(service.error());
  const Result<uint64_t> instance = size(flags.instance_memory, "--instance-memory");
  if (!instance) return fail(instance.error());
  if (*instance < (1ULL << 20U)) return cli::usage_error("--instance-memory: an instance takes at least 1MiB");
  world.service = *service;
  world.memory_mib = static_cast<int64_t>(*instance >> 20U);
  world.calls_per_instance = flags.concurrency;
  world.prompt_tokens_s = flags.prompt_speed;
  world.answer_tokens_s = flags.answer_speed;
  if (flags.memory.empty()) return world;
  const Result<uint64_t> cap = size(flags.memory, "--memory");
  if (!cap) return fail(cap.error());
  world.memory_cap_bytes = *cap;
  return world;
}

plan::Policy kept_while_there_is_room(const plan::Policy& policy) {
  plan::Policy kept = policy;
  kept.name = "ebb, kept while there is room";
  kept.endpoints.try_emplace(std::string(plan::kForTheRest));
  for (auto& [name, settings] : kept.endpoints)
    settings.scaling.keep = plan::kKeptForEver;
  return kept;
}

Report run_all(plan::Trace& trace, const plan::World& world, const plan::Policy& policy, const Flags& flags, cli::Context& context) {
  Report report{.trace = flags.last.empty() ? std::filesystem::path(flags.trace).filename().string() : fmt::format("the last {}", flags.last),
                .layout = trace.layout(),
                .functions = trace.functions().size(),
                .hours = std::chrono::duration<double>(trace.length()).count() / 3600,
                .world = world,
                .memory_price = flags.memory_price,
                .ebb = {},
                .fixed = {},
                .knative = {},
                .others = {}};
  const auto says = [&](std::string_view policy) {
    if (context.err.terminal()) context.err.write(fmt::format("\r\x1b[K{}: {} calls …", policy, trace.calls()));
  };
  says("ebb");
  report.ebb.push_back(plan::replay(trace, world, policy));
  for (const double worth : kWorths) {
    const std::string name = worth < 1 ? "ebb, waits worth a tenth" : "ebb, waits worth ten times";
    says(name);
    report.ebb.push_back(plan::replay(trace, world, {.name = name, .worth = worth, .endpoints = policy.endpoints}));
  }
  if (!flags.memory.empty()) {
    says("ebb, kept while there is room");
    report.ebb.push_back(plan::replay(trace, world, kept_while_there_is_room(policy)));
  }
  for (const int minutes : kFixedMinutes) {
    says(fmt::format("kept for {} min", minutes));
    report.fixed.push_back(plan::fixed_keep(trace, world, std::chrono::minutes(minutes)));
  }
  for (const int window : kKnativeWindows) {
    says(fmt::format("Knative, window {} s", window));
    report.knative.push_back(plan::knative(trace, world, seconds(window)));
  }
  says("least recently used");
  report.others.push_back(plan::least_recent(trace, world));
  says("always on");
  report.others.push_back(plan::always_on(trace, world));
  if (context.err.terminal()) context.err.write("\r\x1b[K");
  return report;
}

void print(const Report& report, cli::Context& context) {
  const std::vector<cli::Field<Outcome>> fields{
      {{"POLICY"}, [](const Outcome& o) { return cli::Cell{o.policy}; }},
      {{"COLD STARTS", cli::Align::kRight}, [](const Outcome& o) { return cli::Cell{fmt::format("{}", o.cold)}; }},
      {{"CALLS THAT WAITED", cli::Align::kRight}, [](const Outcome& o) { return cli::Cell{fmt::format("{:.3f} %", 100 * plan::waiting_share(o))}; }},
      {{"FOR", cli::Align::kRight}, [](const Outcome& o) { return cli::Cell{fmt::format("{:.0f} s", o.waited_s)}; }},
      {{"IDLE GiB·h", cli::Align::kRight}, [](const Outcome& o) { return cli::Cell{plan::figure(o.idle_gib_min / 60)}; }},
      {{"BUSY GiB·h", cli::Align::kRight}, [](const Outcome& o) { return cli::Cell{plan::figure(o.busy_gib_min / 60)}; }},
      {{"PEAK GiB", cli::Align::kRight}, [](const Outcome& o) { return cli::Cell{plan::figure(o.peak_gib)}; }},
      {{"MEMORY USD", cli::Align::kRight}, [&](const Outcome& o) { return cli::Cell{plan::figure(plan::memory_cost(report, o))}; }},
  };
  std::vector<Outcome> rows = report.ebb;
  for (size_t i = 0; i < report.fixed.size(); ++i) {
    if (std::ranges::find(kShownMinutes, kFixedMinutes[i]) != kShownMinutes.end()) rows.push_back(report.fixed[i]);
  }
  for (size_t i = 0; i < report.knative.size(); ++i) {
    if (seconds(kKnativeWindows[i]) == plan::kKnativeWindow) rows.push_back(report.knative[i]);
  }
  rows.insert(rows.end(), report.others.begin(), report.others.end());
  context.out.line(fmt::format("{}: {} function{}, {} calls, {:.1f} hours ({})\n", report.trace, report.functions, report.functions == 1 ? "" : "s",
                               report.ebb.front().calls, report.hours, report.layout));
  context.out.write(cli::render_rows(fields, rows, context.out));
  context.out.line("");
  for (const std::string& sentence : plan::findings(report))
    context.out.line(sentence);
}

Status write_page(const Report& report, const std::string& path) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << plan::to_html(report);
  file.close();
  if (!file) return fail(ErrorKind::kIo, fmt::format("'{}' could not be written: is there such a folder, and room on its disk?", path));
  return {};
}

Status write_out(const Report& report, const std::optional<plan::Proposals>& proposals, const Flags& flags, cli::Context& context) {
  if (flags.json) {
    boost::json::object all = plan::to_json(report);
    if (proposals) all["proposals"] = to_json(*proposals, flags.memory_price);
    context.out.line(boost::json::serialize(all));
  } else {
    print(report, context);
    if (proposals) print_proposals(*proposals, flags.memory_price, flags.last, context);
  }
  if (flags.html.empty()) return {};
  if (Status written = write_page(report, flags.html); !written) return written;
  if (!flags.json) context.out.line(fmt::format("The report with its pictures is in {}.", flags.html));
  return {};
}

Status plan_installed(const Flags& flags, plan::World world, plan::SettingsByName configured, cli::Context& context) {
  Result<Installed> installed = fetch_installed(context, flags.last);
  if (!installed) return fail(installed.error());
  if (flags.memory.empty()) world.memory_cap_bytes = installed->memory_limit_bytes;
  if (flags.start.empty()) world.start = plan::mean_start(installed->trace).value_or(world.start);
  // What is given in files is tried instead of what there is.
  plan::Policy policy{.endpoints = std::move(configured)};
  policy.endpoints.merge(installed->settings);
  plan::configure(policy.endpoints, installed->trace);
  const Report report = run_all(installed->trace, world, policy, flags, context);
  const plan::Proposals proposals = plan::propose(installed->trace, world, policy, flags.memory_price);
  return write_out(report, proposals, flags, context);
}

Status plan_trace(const Flags& flags, cli::Context& context) {
  const Result<plan::World> world = world_of(flags);
  if (!world) return cli::usage_error(world.error().message);
  if (flags.trace.empty() == flags.last.empty()) return cli::usage_error("name a TRACE, or the time of a running server's calls: --last 7d");
  Result<plan::SettingsByName> configured = read_plan_configs(flags.configs);
  if (!configured) return fail(configured.error());
  if (!flags.last.empty()) return plan_installed(flags, *world, std::move(*configured), context);
  Result<plan::Trace> trace = plan::read_trace(flags.trace);
  if (!trace) return cli::usage_error(trace.error().message);
  plan::configure(*configured, *trace);
  if (flags.validate) {
    const plan::SliceWanted slice{.speed = flags.speed, .length = std::chrono::minutes(flags.minutes), .endpoints = static_cast<size_t>(flags.endpoints)};
    return validate(*trace, *world, {.slice = slice, .settings = std::move(*configured), .as_json = flags.json}, context);
  }
  const Report report = run_all(*trace, *world, {.endpoints = std::move(*configured)}, flags, context);
  return write_out(report, std::nullopt, flags, context);
}

void add_validate_options(CLI::App* command, Flags& flags) {
  CLI::Option* const validate = command->add_flag("--validate", flags.validate,
                                                  "Live through a part of the trace on a running server, and compare its cold starts with the planned ones");
  command->add_option("--speed", flags.speed, "With --validate: so many times as fast (default 60)")
      ->check(CLI::Range(1.0, 10'000.0))
      ->type_name("N")
      ->needs(validate);
  command->add_option("--minutes", flags.minutes, "With --validate: the first minutes of the trace (default 120)")
      ->check(CLI::Range(1, 100'000))
      ->type_name("N")
      ->needs(validate);
  command->add_option("--endpoints", flags.endpoints, "With --validate: those with the most silences between their calls (default 8)")
      ->check(CLI::Range(1, 64))
      ->type_name("N")
      ->needs(validate);
}

}  // namespace

void add_plan(CLI::App& app, cli::Context& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("plan", "Replay recorded traffic: cold starts, memory and cost, against what others do.");
  command->add_option("TRACE", flags->trace, "File or folder: Azure Functions 2019, Azure LLM 2023, Mooncake, or Ebb's own usage");
  command->add_option("--last", flags->last, "Instead: the calls of a running server in this time up to now, such as 7d; proposes settings")->type_name("TIME");
  cli::add_server_options(command, context);
  command
      ->add_option("--config", flags->configs, "What an endpoint of the trace has, as for `ebb deploy -f`; may be repeated; one named default is for the rest")
      ->type_name("FILE");
  add_validate_options(command, *flags);
  command->add_option("--memory", flags->memory, "Memory for all instances together (default: no limit)")->type_name("SIZE");
  command->add_option("--start", flags->start, "What a start takes (default 1s)")->type_name("TIME");
  command->add_option("--service", flags->service, "What a call takes where the trace does not say (default 100ms)")->type_name("TIME");
  command->add_option("--prompt-speed", flags->prompt_speed, "Tokens of a prompt read in a second, where the trace has tokens (default 2000)")
      ->check(CLI::Range(0.1, 1e9))
      ->type_name("N");
  command->add_option("--answer-speed", flags->answer_speed, "Tokens of an answer written in a second (default 50)")
      ->check(CLI::Range(0.1, 1e9))
      ->type_name("N");
  command->add_option("--instance-memory", flags->instance_memory, "What an instance takes where the trace does not say (default 256MiB)")->type_name("SIZE");
  command->add_option("--concurrency", flags->concurrency, "Calls that one instance takes at once (default 64, as of HTTP functions)")
      ->check(CLI::Range(1, 1000))
      ->type_name("N");
  command
      ->add_option("--memory-price", flags->memory_price,
                   fmt::format("USD for a GiB held for an hour (default {})", domain::format_money(domain::kMemoryPerGibHour)))
      ->check(CLI::Range(0.0, 1000.0))
      ->type_name("USD");
  command->add_option("--html", flags->html, "Write a report with pictures into this file")->type_name("FILE");
  command->add_flag("--json", flags->json, "Print JSON");
  command->footer(
      "Example:\n  ebb plan invocations.csv --html plan.html\n  ebb plan --last 7d\n  ebb plan week.jsonl --config chat.yaml\n\nWhat each layout looks like, "
      "and what is assumed: docs/plan.md.");
  command->callback([flags, &context] {
    context.action = [flags, &context]() -> int {
      const Status done = plan_trace(*flags, context);
      return done ? cli::kExitOk : cli::report(context, done.error());
    };
  });
}

}  // namespace ebb::app
