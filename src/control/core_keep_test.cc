// Habits in the core: who is kept, who goes, and who is there before the call comes.
#include <gtest/gtest.h>

#include "control/world_for_test.h"
#include "domain/cron.h"

namespace ebb::control {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// Does what the worker was told, and a call of `takes`; true: it found a worker that had its function or model.
struct Habit {
  World world;
  bool call(const std::string& name, nanoseconds takes = milliseconds(100)) {
    const CallId id = world.call(name);
    const bool warm = world.running.contains(id);
    end_killed();
    settle_starts();
    EXPECT_TRUE(world.running.contains(id));
    world.pass(takes);
    world.finish(id);
    return warm;
  }
  void settle_starts() {
    for (; started < world.starts.size(); ++started) {
      const auto& start = world.starts[started];
      world.pass(milliseconds(800));
      world.ready(start.worker, start.slots);
    }
    for (; woken < world.unparks.size(); ++woken) {
      if (world.state.workers.at(world.unparks[woken].worker).phase != WorkerPhase::kWaking) continue;
      world.pass(milliseconds(800));
      world.ready(world.unparks[woken].worker, world.unparks[woken].slots);
    }
  }
  // Passes time in which workers do what they are told.
  void wait(nanoseconds time) {
    const MonoTime end = world.now + time;
    while (world.now < end) {
      world.pass(std::min<nanoseconds>(seconds(1), end - world.now));
      settle_starts();
      for (; parked < world.parks.size(); ++parked)
        world.feed(WorkerParked{world.parks[parked]});
      end_killed();
    }
  }
  void end_killed() {
    for (; killed < world.kills.size(); ++killed)
      world.die(world.kills[killed], "told to");
  }
  bool lives() const {
    return std::ranges::any_of(world.state.workers, [](const auto& worker) { return worker.second.slots > 0 || !worker.second.fresh; });
  }
  size_t started = 0, woken = 0, parked = 0, killed = 0;
};

TEST(Keep, AFunctionCalledEachHourIsGoneBetweenAndThereBeforeTheCall) {
  Habit habit;
  habit.world.deploy_function("f", 1, {}, {}, 1024);
  int cold = 0;
  int present = 0;
  int looks = 0;
  for (int hour = 0; hour < 12; ++hour) {
    cold += habit.call("f") ? 0 : 1;
    for (int minute = 0; minute < 59; ++minute, habit.wait(minutes(1))) {
      if (hour < 4) continue;
      ++looks;
      present += habit.lives() ? 1 : 0;
    }
    habit.wait(minutes(1) - milliseconds(100));
  }
  EXPECT_LE(cold, 5) << "what is learned is used";
  EXPECT_LT(present, looks / 4) << "idle is free";
  const auto decisions = habit.world.state.endpoints.at("f").journal.all();
  EXPECT_TRUE(std::ranges::any_of(decisions, [](const Decision& decision) { return decision.because.view().starts_with("a call is expected soon"); }));
}

TEST(Keep, WithItsOwnersTimesNothingIsPredicted) {
  Habit habit;
  habit.world.deploy_function("f", 1, {.idle = milliseconds(1'000), .keep = minutes(2)}, {}, 1024);
  for (int hour = 0; hour < 8; ++hour) {
    EXPECT_FALSE(habit.call("f"));
    habit.wait(minutes(1));
    EXPECT_TRUE(habit.lives());
    habit.wait(minutes(59));
    EXPECT_FALSE(habit.lives());
  }
}

TEST(Keep, NothingIsGivenUpForWhatMayNotCome) {
  Habit habit;
  habit.world.state.node.memory_limit_bytes = 1500ULL << 20U;
  habit.world.deploy_function("f", 1, {}, {}, 1024);
  habit.world.deploy_function("always", 1, {.min = 1}, {}, 400);
  habit.settle_starts();
  for (int hour = 0; hour < 6; ++hour) {
    habit.call("f");
    habit.wait(minutes(60));
  }
  habit.world.state.node.memory_limit_bytes = 600ULL << 20U;
  habit.wait(minutes(120));
  EXPECT_TRUE(
      std::ranges::any_of(habit.world.state.workers, [](const auto& w) { return w.second.endpoint == "always" && w.second.phase == WorkerPhase::kReady; }));
  EXPECT_FALSE(std::ranges::any_of(habit.world.state.workers, [](const auto& w) { return w.second.endpoint == "f" && w.second.slots > 0; }));
}

// Two that fit into memory one at a time, each called once an hour, half an hour apart; those calls of the last four hours of a day that found no worker.
struct Turns {
  Habit habit;
  int cold = 0;
  explicit Turns(domain::Scaling scaling) {
    habit.world.state.node.memory_limit_bytes = 1'700ULL << 20U;
    for (const char* name : {"a", "b"})
      habit.world.deploy_function(name, 1, scaling, {}, 1024);
    for (int hour = 0; hour < 24; ++hour) {
      for (const char* name : {"a", "b"}) {
        const bool warm = habit.call(name);
        if (hour >= 20 && !warm) ++cold;
        habit.wait(minutes(30) - milliseconds(100));
      }
    }
  }
};

TEST(Keep, WhatWasGivenUpForOthersIsBackBeforeItsCall) {
  Turns turns({.keep = hours(24)});
  EXPECT_EQ(turns.cold, 0);
  const auto decisions = turns.habit.world.state.endpoints.at("a").journal.all();
  EXPECT_TRUE(std::ranges::any_of(
      decisions, [](const Decision& decision) { return decision.because.view() == "a call of 'b' is expected soon, to which its memory is worth more"; }));
}

TEST(Keep, WhatItsOwnerKeepsForLessIsNotStartedAfterThatTime) {
  Turns turns({.keep = minutes(40)});
  EXPECT_EQ(turns.cold, 8);
}

// Calls that last, one more every half second: the second instance is there when it is needed.
TEST(Rise, OneMoreInstanceIsReadyBeforeItIsNeeded) {
  Habit habit;
  World& world = habit.world;
  world.deploy_function("f", 10, {.max = 4}, {}, 1024);
  habit.settle_starts();
  std::vector<CallId> calls;
  for (int i = 0; i < 11; ++i, habit.wait(milliseconds(500))) {
    calls.push_back(world.call("f"));
    EXPECT_TRUE(i < 4 || world.running.contains(calls.back())) << i;
  }
  const auto decisions = world.state.endpoints.at("f").journal.all();
  const auto ahead = std::ranges::find_if(
      decisions, [](const Decision& decision) { return decision.because.view().starts_with("its calls grow, and soon need one more instance"); });
  ASSERT_NE(ahead, decisions.end());
  EXPECT_EQ(ahead->inputs.at(0).first, "calls");
  const Of calls_of = std::get<Of>(ahead->inputs.at(0).second);
  EXPECT_LT(calls_of.part, 10);
  EXPECT_EQ(calls_of.whole, 10);
}

TEST(Rise, WhatWasStartedForOneThatCameToNothingGoesSoon) {
  Habit habit;
  World& world = habit.world;
  world.deploy_function("f", 10, {.max = 4}, {.time = hours(1)}, 128);
  habit.settle_starts();
  const auto instances = [&] {
    return std::ranges::count_if(world.state.workers, [](const auto& worker) { return worker.second.slots > 0 || !worker.second.fresh; });
  };
  std::vector<CallId> calls;
  for (int i = 0; i < 11; ++i)
    calls.push_back(world.call("f"));
  habit.wait(seconds(2));
  for (const CallId id : calls)
    world.finish(id);
  habit.wait(hours(12));
  ASSERT_EQ(instances(), 0);
  world.state.endpoints.at("f").start_takes = seconds(3);  // the rise outlasts the time after which it is frozen
  for (int i = 0; i < 9; ++i, habit.wait(milliseconds(200)))
    world.call("f");
  habit.wait(seconds(8));
  EXPECT_EQ(instances(), 2) << "it may be needed";
  habit.wait(seconds(80));
  EXPECT_EQ(instances(), 1);
}

TEST(Rise, NoMoreInstancesThanItsOwnerAllows) {
  Habit habit;
  World& world = habit.world;
  world.deploy_function("f", 10, {.max = 1}, {}, 1024);
  for (int i = 0; i < 10; ++i, habit.wait(milliseconds(500)))
    world.call("f");
  EXPECT_EQ(std::ranges::count_if(world.state.workers, [](const auto& worker) { return worker.second.slots > 0; }), 1);
}

// What is idle and just was called is worth more than a rise that is not sure.
TEST(Rise, NothingThatIsWorthMoreGoesForIt) {
  for (const bool just_called : {true, false}) {
    Habit habit;
    World& world = habit.world;
    world.state.node.memory_limit_bytes = 2'400ULL << 20U;
    world.deploy_function("f", 10, {.max = 4, .keep = hours(24)}, {}, 1024);
    world.deploy_function("other", 1, {.keep = hours(24)}, {}, 1024);
    habit.call("other");
    if (!just_called) habit.wait(hours(12));
    for (int i = 0; i < 9; ++i, habit.wait(milliseconds(200))) {
      world.call("f");
      if (just_called) habit.call("other", milliseconds(1));
    }
    const auto decisions = world.state.endpoints.at("other").journal.all();
    const bool gone = std::ranges::any_of(
        decisions, [](const Decision& decision) { return decision.because.view() == "a call of 'f' is expected soon, to which its memory is worth more"; });
    EXPECT_EQ(gone, !just_called);
  }
}

TEST(Provision, ByScheduleAndBack) {
  World world;
  const auto at = [](int hour, int minute) { return WallTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 30) + hours(hour) + minutes(minute)); };
  world.feed(ClockRead{at(7, 50)});
  domain::Scaling scaling{.max = 4, .idle = milliseconds(1'000), .keep = milliseconds(1'000)};
  for (const auto& [cron, slots] : {std::pair("0 8 * * *", 2), std::pair("0 9 * * *", 0)})
    scaling.schedule.push_back({.cron = *domain::Cron::parse(cron, "UTC"), .provisioned = slots});
  world.deploy("a", scaling);
  EXPECT_TRUE(world.starts.empty());
  world.pass(minutes(9));
  EXPECT_TRUE(world.starts.empty());
  world.pass(minutes(1) + seconds(5));
  ASSERT_EQ(world.starts.size(), 1U);
  EXPECT_EQ(world.starts[0].slots, 2);
  world.ready(world.starts[0].worker, 2);
  world.pass(minutes(40));
  EXPECT_TRUE(world.parks.empty());
  world.feed(ClockRead{at(9, 30)});  // the clock was put forward
  world.pass(seconds(3));
  EXPECT_EQ(world.parks.size(), 1U);
}

TEST(Provision, WithoutASchedule) {
  World world;
  world.deploy("a", {.max = 4, .provisioned = 3});
  ASSERT_EQ(world.starts.size(), 1U);
  EXPECT_GE(world.starts[0].slots, 3);
}

TEST(Keep, AnEndpointMadeAnewForgetsTheOldOnesCalls) {
  World world;
  world.deploy("a");
  const CallId old = world.call("a");
  world.ready(world.starts[0].worker, 1);
  world.feed(EndpointRemoved{"a"});
  world.deploy("a");
  world.finish(old);
  EXPECT_EQ(world.state.endpoints.at("a").demand.calls, 0);
}

}  // namespace
}  // namespace ebb::control
