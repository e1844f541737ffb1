// Deploy, send each call at its time, remove, read what was recorded; then replay the same with the starts that were measured.
#include "app/plan_validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <tuple>

#include "cli/server.h"
#include "cli/table.h"
#include "cli/usage.h"
#include "domain/limits.h"
#include "plan/replay.h"
#include "plan/report.h"
#include "wire/spec.h"
#include "wire/usage_json.h"

namespace ebb::app {

namespace {

constexpr std::string_view kPrefix = "plan-";
constexpr size_t kSendersMax = 64;  // calls under way at once
constexpr int kSlotsMax = 64;
constexpr milliseconds kSetOff{500};  // from the deployments to the first call

milliseconds faster(milliseconds time, double speed) { return milliseconds(static_cast<int64_t>(static_cast<double>(time.count()) / speed)); }

// One endpoint: what is asked of it, and what came of it.
struct Course {
  std::string name;
  plan::Trace trace;
  plan::Settings settings;
  std::vector<domain::UsageRecord> records = {};
  plan::Outcome planned = {};
};

// Told apart by their numbers where they are cut.
std::string name_for(const std::string& function, size_t number) {
  std::string name = std::string(kPrefix) + function;
  if (name.size() <= domain::kEndpointNameBytesMax) return name;
  const std::string end = fmt::format("-{}", number);
  return name.substr(0, domain::kEndpointNameBytesMax - end.size()) + end;
}

plan::Settings settings_for(const ValidateWanted& wanted, const std::string& function) {
  plan::Settings settings{.scaling = {.max = kSlotsMax, .idle = seconds(30), .keep = std::chrono::minutes(10)}, .limits = {}};
  if (const plan::Settings* own = plan::settings_for(wanted.settings, function)) settings = *own;
  const double speed = wanted.slice.speed;
  if (settings.scaling.idle) settings.scaling.idle = faster(*settings.scaling.idle, speed);
  if (settings.scaling.keep) settings.scaling.keep = faster(*settings.scaling.keep, speed);
  settings.scaling.schedule.clear();  // its time of day does not pass faster
  settings.limits = {};
  settings.engine = domain::Engine::kEcho;
  return settings;
}

class Validation {
 public:
  Validation(std::vector<Course> courses, cli::Context& context) : courses_(std::move(courses)), context_(context), server_(context, interrupt_) {}

  Status run() {
    Status done = deploy();
    if (done) done = send();
    interrupt_.clear();  // what was begun is removed
    for (const std::string& name : deployed_) {
      const Result<json::value> removed = server_.remove(cli::endpoint_path(name));
      if (!removed && done) done = fail(removed.error());
    }
    return done ? read_records() : done;
  }

  std::vector<Course>& courses() { return courses_; }
  nanoseconds late_most() const { return nanoseconds(late_most_.load()); }

 private:
  Status deploy() {
    for (const Course& course : courses_) {
      if (server_.get(cli::endpoint_path(course.name)))
        return fail(ErrorKind::kExists, fmt::format("there is an endpoint '{}' already: remove it with `ebb rm {}`, if it was left by another validation",
                                                    course.name, course.name));
    }
    for (const Course& course : courses_) {
      const domain::EndpointSpec spec{.name = course.name, .engine = domain::Engine::kEcho, .memory_mib = 64, .scaling = course.settings.scaling};
      const Result<json::value> put = server_.put(cli::endpoint_path(course.name), wire::spec_to_json(spec));
      if (!put) return fail(put.error());
      deployed_.push_back(course.name);
    }
    return {};
  }

  struct Planned {
    nanoseconds at{0};
    nanoseconds service{0};
    const std::string* endpoint = nullptr;
  };

  Status send() {
    std::vector<Planned> calls;
    for (Course& course : courses_) {
      course.trace.rewind();
      while (const std::optional<plan::TraceCall> call = course.trace.next())
        calls.push_back({.at = call->at, .service = call->service, .endpoint = &course.name});
    }
    std::ranges::sort(calls, {}, [](const Planned& call) { return std::tie(call.at, *call.endpoint, call.service); });
    begun_ = context_.clock.wall();
    const MonoTime first = context_.clock.mono() + kSetOff;
    std::atomic<size_t> next = 0;
    std::vector<std::jthread> senders;
    for (size_t i = 0; i < std::min(kSendersMax, calls.size()); ++i) {
      senders.emplace_back([&] {
        cli::Server server(context_, interrupt_);
        for (size_t mine = next++; mine < calls.size() && !interrupt_.raised() && !failed(); mine = next++)
          ask(server, calls[mine], first);
      });
    }
    senders.clear();
    if (interrupt_.raised()) return fail(ErrorKind::kCancelled, "interrupted");
    const std::lock_guard lock(mutex_);
    return failure_;
  }

  void ask(cli::Server& server, const Planned& call, MonoTime first) {
    for (nanoseconds left = first + call.at - context_.clock.mono(); left.count() > 0 && !interrupt_.raised(); left = first + call.at - context_.clock.mono())
      std::this_thread::sleep_for(std::min<nanoseconds>(left, milliseconds(100)));  // so that Ctrl-C is seen
    if (interrupt_.raised()) return;
    const int64_t late = (context_.clock.mono() - (first + call.at)).count();
    for (int64_t most = late_most_; late > most && !late_most_.compare_exchange_weak(most, late);) {
    }
    const int64_t ms = std::chrono::duration_cast<milliseconds>(call.service).count();
    const json::value body{
        {"model", *call.endpoint},
        {"messages", json::array{{{"role", "system"}, {"content", fmt::format("tokens=1 delay_ms={}", ms)}}, {{"role", "user"}, {"content", "plan"}}}}};
    const Result<json::value> answer = server.post("/v1/chat/completions", body);
    if (answer || interrupt_.raised()) return;
    const std::lock_guard lock(mutex_);
    if (failure_) failure_ = fail(answer.error().with_context(fmt::format("a call of '{}' failed", *call.endpoint)));
  }

  bool failed() {
    const std::lock_guard lock(mutex_);
    return !failure_;
  }

  Status read_records() {
    for (Course& course : courses_) {
      Status understood;
      const Status read = cli::export_usage(context_, server_, {.last = "1d", .endpoint = course.name}, [&](std::string_view line) {
        const Result<json::value> value = parse_json(line);
        Result<domain::UsageRecord> record = value ? wire::usage_from_json(*value) : fail(value.error());
        if (!record) {
          understood = fail(record.error().with_context(cli::kNoSense));
          return false;
        }
        if (record->ended >= begun_) course.records.push_back(std::move(*record));
        return true;
      });
      if (!read) return read;
      if (!understood) return understood;
    }
    return {};
  }

  std::vector<Course> courses_;
  cli::Context& context_;
  cli::Interrupt interrupt_;
  cli::Server server_;
  std::vector<std::string> deployed_;
  WallTime begun_{};
  std::atomic<int64_t> late_most_ = 0;
  std::mutex mutex_;
  Status failure_;
};

// Of all starts that were seen from their begin: the mean.
nanoseconds measured_start(const std::vector<Course>& courses) {
  nanoseconds sum{0};
  int64_t count = 0;
  for (const Course& course : courses) {
    for (const domain::UsageRecord& record : course.records) {
      if (record.tier != domain::Tier::kCold || record.start.count() == 0) continue;
      sum += record.start;
      ++count;
    }
  }
  return count == 0 ? milliseconds(1) : sum / count;
}

uint64_t cold_calls(const Course& course) { return static_cast<uint64_t>(std::ranges::count(course.records, domain::Tier::kCold, &domain::UsageRecord::tier)); }

struct Totals {
  uint64_t calls = 0;
  uint64_t live = 0;
  uint64_t planned = 0;
  uint64_t live_waiting = 0;
  uint64_t planned_waiting = 0;
};

void print(const std::vector<Course>& courses, const Totals& totals, nanoseconds start, nanoseconds late, cli::Context& context) {
  const auto number = [](uint64_t value) { return cli::Cell{fmt::format("{}", value)}; };
  cli::Table table({{"ENDPOINT"},
                    {"CALLS", cli::Align::kRight},
                    {"COLD STARTS", cli::Align::kRight},
                    {"PLANNED", cli::Align::kRight},
                    {"CALLS THAT WAITED", cli::Align::kRight},
                    {"PLANNED", cli::Align::kRight}});
  for (const Course& course : courses)
    table.add({{course.name},
               number(course.records.size()),
               number(plan::starts_waited_for(course.records)),
               number(course.planned.cold),
               number(cold_calls(course)),
               number(course.planned.waiting)});
  table.total({{"total"}, number(totals.calls), number(totals.live), number(totals.planned), number(totals.live_waiting), number(totals.planned_waiting)});
  context.out.write(table.render(context.out));
  const auto ms = [](nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); };
  context.out.line(
      fmt::format("\nA start took {:.1f} ms on an average, which the plan was given. Calls were sent at most {:.1f} ms late.", ms(start), ms(late)));
  if (totals.planned > 0)
    context.out.line(fmt::format("The server had {:.2f} of the planned cold starts.", static_cast<double>(totals.live) / static_cast<double>(totals.planned)));
}

void print_json(const std::vector<Course>& courses, const Totals& totals, nanoseconds start, nanoseconds late, cli::Context& context) {
  json::array endpoints;
  for (const Course& course : courses)
    endpoints.push_back({{"endpoint", course.name},
                         {"calls", course.records.size()},
                         {"live", {{"cold_starts", plan::starts_waited_for(course.records)}, {"calls_that_waited_for_a_start", cold_calls(course)}}},
                         {"planned", {{"cold_starts", course.planned.cold}, {"calls_that_waited_for_a_start", course.planned.waiting}}}});
  context.out.line(json::serialize(
      json::object{{"endpoints", std::move(endpoints)},
                   {"calls", totals.calls},
                   {"live_cold_starts", totals.live},
                   {"planned_cold_starts", totals.planned},
                   {"ratio", totals.planned == 0 ? json::value(nullptr) : json::value(static_cast<double>(totals.live) / static_cast<double>(totals.planned))},
                   {"start_ns", start.count()},
                   {"late_most_ns", late.count()}}));
}

}  // namespace

Status validate(plan::Trace& trace, const plan::World& world, const ValidateWanted& wanted, cli::Context& context) {
  Result<std::vector<plan::Trace>> slice = plan::slice_of(trace, world, wanted.slice);
  if (!slice) return cli::usage_error(slice.error().message);
  std::vector<Course> courses;
  for (plan::Trace& one : *slice) {
    const std::string function = one.functions().front().name;
    courses.push_back({.name = name_for(function, courses.size() + 1), .trace = std::move(one), .settings = settings_for(wanted, function)});
  }
  if (context.err.terminal())
    context.err.line(fmt::format("living through it takes {:.0f} s; Ctrl-C ends it", std::chrono::duration<double>(courses.front().trace.length()).count()));
  Validation validation(std::move(courses), context);
  if (Status done = validation.run(); !done) return done;
  const nanoseconds start = measured_start(validation.courses());
  Totals totals;
  for (Course& course : validation.courses()) {
    plan::TraceFunction& function = course.trace.functions().front();
    function.start = start;
    course.planned = plan::replay(course.trace, world, {.endpoints = {{function.name, course.settings}}});
    totals.calls += course.records.size();
    totals.live += plan::starts_waited_for(course.records);
    totals.planned += course.planned.cold;
    totals.live_waiting += cold_calls(course);
    totals.planned_waiting += course.planned.waiting;
  }
  if (wanted.as_json)
    print_json(validation.courses(), totals, start, validation.late_most(), context);
  else
    print(validation.courses(), totals, start, validation.late_most(), context);
  return {};
}

}  // namespace ebb::app
