// What endpoints have of their own in a plan.
#include "plan/settings.h"

#include <gtest/gtest.h>

#include "plan/fixed.h"
#include "plan/replay.h"

namespace ebb::plan {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

TEST(SettingsOf, Rows) {
  domain::EndpointSpec function{.name = "f", .engine = domain::Engine::kContainer, .memory_mib = 128, .scaling = {.min = 2, .max = 5, .provisioned = 3}};
  function.function = domain::FunctionSpec{};
  function.function->concurrency = 7;
  const Settings own = settings_of(function);
  EXPECT_EQ(own.scaling, function.scaling);
  EXPECT_EQ(own.memory_mib, 128);
  EXPECT_EQ(own.calls_per_instance, 7);
  function.function->concurrency = std::nullopt;
  EXPECT_EQ(settings_of(function).calls_per_instance, 0);
  function.function->contract = domain::Contract::kLambda;
  EXPECT_EQ(settings_of(function).calls_per_instance, 1);

  const domain::EndpointSpec model{.name = "m", .scaling = {.min = 2, .max = 5, .provisioned = 3}};
  EXPECT_EQ(settings_of(model).scaling, model.scaling);
  EXPECT_EQ(settings_of(model).engine, domain::Engine::kEcho) << "one worker has all the slots";
  EXPECT_EQ(settings_of(model).calls_per_instance, 5);
}

TEST(SettingsFor, ItsOwnThenThoseForTheRest) {
  const SettingsByName settings{{"a", {.memory_mib = 1}}, {"default", {.memory_mib = 2}}};
  EXPECT_EQ(settings_for(settings, "a")->memory_mib, 1);
  EXPECT_EQ(settings_for(settings, "b")->memory_mib, 2);
  EXPECT_EQ(settings_for({}, "a"), nullptr);
}

// Two functions, each called at 0 and after two hours.
Trace two_functions() {
  std::vector<TraceCall> calls;
  for (const nanoseconds at : {nanoseconds{0}, nanoseconds(hours(2))}) {
    calls.push_back({.at = at, .service = seconds(1), .function = 0});
    calls.push_back({.at = at, .service = seconds(1), .function = 1});
  }
  return {"test", {{.name = "a", .memory_mib = 1024}, {.name = "b", .memory_mib = 1024}}, std::move(calls)};
}

TEST(Replay, EachEndpointHasItsOwnSettings) {
  Trace trace = two_functions();
  const World world;
  SettingsByName settings{{"a", {.scaling = {.max = 9, .keep = hours(3)}, .memory_mib = 512}}, {"b", {.scaling = {.max = 9, .keep = minutes(1)}}}};
  configure(settings, trace);
  EXPECT_EQ(trace.functions()[0].memory_mib, 512);
  EXPECT_EQ(trace.functions()[1].memory_mib, 1024);
  const Outcome kept = replay(trace, world, {.endpoints = settings});
  EXPECT_EQ(kept.cold, 3U) << "one of a, two of b";
  settings["b"].scaling.keep = hours(3);
  EXPECT_EQ(replay(trace, world, {.endpoints = settings}).cold, 2U);
}

TEST(Replay, SchedulesGoByTheTimeOfTheTrace) {
  Trace trace("test", {{.name = "a", .memory_mib = 1024}}, {{.at = hours(2), .service = seconds(1)}},
              {.begin = WallTime(std::chrono::sys_days{std::chrono::year{2026} / 3 / 2}), .length = hours(10)});
  const auto with = [&trace](const char* line) {
    const auto entry = [](const char* cron, int provisioned) {
      return domain::ProvisionedAt{.cron = *domain::Cron::parse(cron, ""), .provisioned = provisioned};
    };
    const SettingsByName settings{{"a", {.scaling = {.max = 9, .keep = minutes(1), .schedule = {entry(line, 1), entry("0 4 * * 1", 0)}}}}};
    return replay(trace, World{}, {.endpoints = settings});
  };
  EXPECT_EQ(with("0 1 * * 1").cold, 0U) << "Monday, 2 March 2026, at one: it is there before the call";
  EXPECT_EQ(with("0 3 * * 1").cold, 1U);
  EXPECT_NEAR(with("0 1 * * 1").idle_gib_min, 3 * 60, 10) << "and sandboxes without a function";
}

TEST(Worlds, FunctionsMaySayWhatTheirStartsTakeAndHoldAtOnce) {
  Trace trace("test", {{.name = "a", .memory_mib = 1024, .start = seconds(5), .calls_per_instance = 1}},
              {{.at = seconds(0), .service = seconds(10)}, {.at = seconds(1), .service = seconds(10)}}, {.begin = {}, .length = minutes(1)});
  const World world;
  for (const Outcome& outcome : {replay(trace, world, {}), fixed_keep(trace, world, minutes(1))}) {
    EXPECT_EQ(outcome.cold, 2U) << outcome.policy;
    EXPECT_DOUBLE_EQ(outcome.waited_s, 10) << outcome.policy;
  }
}

}  // namespace
}  // namespace ebb::plan
