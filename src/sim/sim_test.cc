// The hunt itself: the same seed gives the same, planted bugs are found, and what is made small breaks the same rule.
#include <gtest/gtest.h>

#include <initializer_list>
#include <map>
#include <span>
#include <string>

#include "sim/hunt.h"
#include "sim/options.h"
#include "sim/planted.h"

namespace ebb::sim {
namespace {

TEST(Sim, ASeedGivesTheSameTwiceAndWithMoreThreads) {
  const HuntOptions options{.first_seed = 1, .seeds = 8, .minutes = 1, .jobs = 1};
  const auto quiet = [](uint64_t) {};
  const Hunt once = hunt(options, quiet);
  HuntOptions threads = options;
  threads.jobs = 3;
  const Hunt again = hunt(threads, quiet);
  EXPECT_EQ(once.hash, again.hash);
  EXPECT_EQ(once.events, again.events);
  EXPECT_FALSE(once.failed_seed) << "seed " << *once.failed_seed << ": " << once.failed.broken->what;
  EXPECT_GT(once.calls, 1'000U);
  HuntOptions others = options;
  others.first_seed = 2;
  EXPECT_NE(once.hash, hunt(others, quiet).hash);
}

TEST(Sim, WatchingChangesNothing) {
  const Plan plan = make_plan(3, std::chrono::minutes(1));
  EXPECT_EQ(run(plan, {}).hash, run(plan, {.story_max = 10}).hash);
}

TEST(Sim, EveryPlantedBugIsFound) {
  EXPECT_GE(planted_names().size(), 10U);
  for (const PlantedName& bug : planted_names()) {
    const Hunt hunted = hunt({.first_seed = 1, .seeds = 100, .minutes = 1, .jobs = 1, .planted = bug.name}, [](uint64_t) {});
    EXPECT_TRUE(hunted.failed_seed) << bug.name << ": " << bug.what;
  }
}

TEST(Sim, APlantedBugIsToldAndEndsNothingElse) {
  for (const PlantedName& bug : planted_names()) {
    for (uint64_t seed = 1; seed <= 4; ++seed)
      EXPECT_NO_THROW(run(make_plan(seed, std::chrono::minutes(3)), {.planted = std::string(bug.name)})) << bug.name << ", seed " << seed;
  }
}

TEST(Sim, WhatIsMadeSmallBreaksTheSameRule) {
  for (const char* bug : {"bills-too-much", "forgets-cancel", "jumps-queue"}) {
    const HuntOptions options{.first_seed = 1, .seeds = 50, .minutes = 1, .jobs = 1, .planted = bug};
    const Hunt hunted = hunt(options, [](uint64_t) {});
    ASSERT_TRUE(hunted.failed_seed) << bug;
    const Plan plan = make_plan(*hunted.failed_seed, std::chrono::minutes(1));
    const Shrunk small = shrink(plan, hunted.failed, {.planted = bug, .story_max = kStoryLines});
    EXPECT_EQ(small.outcome.broken->rule, hunted.failed.broken->rule);
    EXPECT_LE(small.plan.clients.size(), 2U) << bug;
    EXPECT_FALSE(small.outcome.story.empty());
    EXPECT_EQ(run(small.plan, {.planted = bug}).hash, small.outcome.hash);
  }
}

TEST(Sim, BudgetsBite) {
  int with_budgets = 0;
  int at_a_periods_end = 0;
  std::map<std::string, int> refused;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const Plan plan = make_plan(seed, std::chrono::minutes(1));
    if (plan.budgets.empty()) continue;
    ++with_budgets;
    at_a_periods_end += plan.wall == Plan{}.wall ? 0 : 1;
    const RunOutcome outcome = run(plan, {.story_max = std::string::npos});
    EXPECT_FALSE(outcome.broken) << "seed " << seed << ": " << outcome.broken->what;
    for (const std::string& line : outcome.story)
      for (const char* why : {"it begins anew", "are held for calls", "is being counted", "'Ebb-Max-Cost' allows"})
        refused[why] += line.contains(why) ? 1 : 0;
  }
  EXPECT_GT(with_budgets, 10);
  EXPECT_GT(at_a_periods_end, 5);
  EXPECT_EQ(refused.size(), 4U);
  for (const auto& [why, many] : refused)
    EXPECT_GT(many, 20) << why;
}

TEST(Sim, TakingAClientOutChangesNoOther) {
  const Plan plan = make_plan(5, std::chrono::minutes(1));
  Plan smaller = plan;
  smaller.faults.bits = 0;
  EXPECT_EQ(make_plan(5, std::chrono::minutes(1)).clients.size(), plan.clients.size());
  EXPECT_FALSE(run(smaller, {}).broken);
}

TEST(Sim, ArgumentsAreReadStrictly) {
  const auto parse = [](std::initializer_list<const char*> arguments) { return parse_options(std::span(arguments.begin(), arguments.size())); };
  const auto options = parse({"--seeds", "7:100", "--minutes", "3", "--jobs", "2", "--planted", "all", "--trace"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->first_seed, 7U);
  EXPECT_EQ(options->seeds, 100U);
  EXPECT_EQ(options->minutes, 3);
  EXPECT_EQ(options->jobs, 2);
  EXPECT_TRUE(options->trace);
  EXPECT_EQ(parse({"--seeds", "9"})->seeds, 1U);
  EXPECT_FALSE(parse({"--seeds", "1:0"}));
  EXPECT_FALSE(parse({"--seeds", "x:3"}));
  EXPECT_FALSE(parse({"--seeds"}));
  EXPECT_FALSE(parse({"--minutes", "0"}));
  EXPECT_FALSE(parse({"--planted", "nothing"}));
  EXPECT_FALSE(parse({"--help-me"}));
}

}  // namespace
}  // namespace ebb::sim
