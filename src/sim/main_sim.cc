// ebb-sim: hunts bugs of the control core in virtual time; a failing seed is made small and told as a story.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <span>
#include <string>

#include "sim/hunt.h"
#include "sim/options.h"
#include "sim/planted.h"

namespace {

using namespace ebb;
using namespace ebb::sim;

constexpr uint64_t kSeedsForPlanted = 100;

void say(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

HuntOptions hunt_options(const Options& options) {
  return {.first_seed = options.first_seed, .seeds = options.seeds, .minutes = options.minutes, .jobs = options.jobs, .planted = options.planted};
}

std::string seconds_of(nanoseconds time) { return fmt::format("{}.{:03} s", time.count() / 1'000'000'000, time.count() / 1'000'000 % 1'000); }

void tell_failure(const Options& options, const Hunt& hunted) {
  const Plan plan = make_plan(*hunted.failed_seed, std::chrono::minutes(options.minutes));
  say(fmt::format("sim: seed {} breaks the rule '{}' after {} of virtual time: {}", *hunted.failed_seed, hunted.failed.broken->rule,
                  seconds_of(hunted.failed.time), hunted.failed.broken->what));
  const Shrunk small = shrink(plan, hunted.failed, {.planted = options.planted, .story_max = kStoryLines});
  std::string faults;
  for (int i = 0; i < kFaults; ++i)
    if (small.plan.faults.has(static_cast<Fault>(i))) faults += fmt::format(" {}", to_string(static_cast<Fault>(i)));
  say(fmt::format("sim: made small in {} runs: {} endpoints, {} clients, {} budgets, faults:{}; then: {}", small.runs, small.plan.endpoints.size(),
                  small.plan.clients.size(), small.plan.budgets.size(), faults.empty() ? " none" : faults, small.outcome.broken->what));
  for (const std::string& line : small.outcome.story)
    say(line);
  const std::string planted = options.planted.empty() ? "" : fmt::format(" --planted {}", options.planted);
  say(fmt::format("sim: repeat with: ebb-sim --seeds {} --minutes {}{}", *hunted.failed_seed, options.minutes, planted));
}

int hunt_bugs(const Options& options) {
  const auto begun = std::chrono::steady_clock::now();
  const Hunt hunted = hunt(hunt_options(options), [&](uint64_t done) { fmt::print(stderr, "sim: {} of {} seeds\n", done, options.seeds); });
  if (hunted.failed_seed) tell_failure(options, hunted);
  const auto took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun);
  say(fmt::format("sim: {} seeds, {} calls, {} events, {} of virtual time, {} events a second, hash {:016x}: {}", hunted.seeds, hunted.calls, hunted.events,
                  seconds_of(hunted.time), hunted.events * 1'000 / static_cast<uint64_t>(std::max<int64_t>(took.count(), 1)), hunted.hash,
                  hunted.failed_seed ? "FAILED" : "ok"));
  return hunted.failed_seed ? 1 : 0;
}

// Whether the checks would find what they are for.
int find_planted(const Options& options) {
  int missed = 0;
  for (const PlantedName& bug : planted_names()) {
    HuntOptions with = hunt_options(options);
    with.seeds = kSeedsForPlanted;
    with.planted = bug.name;
    const Hunt hunted = hunt(with, [](uint64_t) {});
    if (hunted.failed_seed) {
      say(fmt::format("sim: planted {:16} found by '{}' after {} seeds: {}", bug.name, hunted.failed.broken->rule, hunted.seeds, hunted.failed.broken->what));
    } else {
      ++missed;
      say(fmt::format("sim: planted {:16} NOT FOUND in {} seeds: {}", bug.name, hunted.seeds, bug.what));
    }
  }
  say(fmt::format("sim: {} of {} planted bugs found", planted_names().size() - static_cast<size_t>(missed), planted_names().size()));
  return missed > 0 ? 1 : 0;
}

int tell_stories(const Options& options) {
  int failed = 0;
  for (uint64_t seed = options.first_seed; seed < options.first_seed + options.seeds; ++seed) {
    const RunOutcome outcome = run(make_plan(seed, std::chrono::minutes(options.minutes)), {.planted = options.planted, .story_max = std::string::npos});
    for (const std::string& line : outcome.story)
      say(line);
    say(fmt::format("sim: seed {}: {} events, hash {:016x}: {}", seed, outcome.events, outcome.hash, outcome.broken ? outcome.broken->what : "ok"));
    failed += outcome.broken ? 1 : 0;
  }
  return failed > 0 ? 1 : 0;
}

// A check of the core itself failed, and has said which.
void on_abort(int) {
  std::array<char, 64> line{};
  const auto end = fmt::format_to_n(line.data(), line.size(), "ebb-sim: that was seed {}\n", seed_at_work()).out;
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), static_cast<size_t>(end - line.data()));
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse_options(std::span<const char* const>(argv + 1, static_cast<size_t>(argc - 1)));
  if (!options) {
    fmt::print(stderr, "ebb-sim: {}\n{}", options.error().message, kUsage);
    return 2;
  }
  ::signal(SIGABRT, on_abort);
  if (options->planted == "all") return find_planted(*options);
  return options->trace ? tell_stories(*options) : hunt_bugs(*options);
}
