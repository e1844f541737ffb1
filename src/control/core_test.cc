// The life of calls and workers, told as short stories in virtual time. Policies have their own rows; here is how they play together.
#include "control/core.h"

#include <gtest/gtest.h>

#include "control/world_for_test.h"

namespace ebb::control {
namespace {

using domain::Outcome;
using domain::Tier;

TEST(Core, FromZeroToAnAnswerAndBackToZero) {
  World world;
  world.deploy("chat", {.idle = milliseconds(30'000), .keep = milliseconds(600'000)});
  EXPECT_EQ(world.state_of("chat"), "absent");
  const CallId call = world.call("chat");
  ASSERT_EQ(world.starts.size(), 1U);
  EXPECT_EQ(world.state_of("chat"), "starting");
  world.pass(milliseconds(100));
  const WorkerId worker = world.only_worker();
  world.ready(worker, 1);
  ASSERT_EQ(world.dispatches.size(), 1U);
  EXPECT_EQ(world.dispatches[0].tier, Tier::kCold);
  EXPECT_EQ(world.dispatches[0].start, milliseconds(100));
  world.pass(milliseconds(7) + nanoseconds(1));
  world.finish(call);
  const auto& record = world.records.at(call);
  EXPECT_EQ(record.billed_ms, 8);
  EXPECT_EQ(record.cost, list_cost_of({}, record.tier, {.mib_ms = 8 * record.memory_mib, .calls = 1}));
  EXPECT_EQ(record.tier, Tier::kCold);

  const CallId warm = world.call("chat");
  world.finish(warm);
  EXPECT_EQ(world.records.at(warm).tier, Tier::kWarm);

  world.pass(seconds(31));
  ASSERT_EQ(world.parks.size(), 1U);
  world.feed(WorkerParked{worker});
  EXPECT_EQ(world.state_of("chat"), "parked");
  const CallId woken = world.call("chat");
  ASSERT_EQ(world.unparks.size(), 1U);
  world.pass(milliseconds(5));
  world.ready(worker, 1);
  world.finish(woken);
  EXPECT_EQ(world.records.at(woken).tier, Tier::kParked);

  world.pass(seconds(31));
  world.feed(WorkerParked{worker});
  world.pass(seconds(601));
  EXPECT_EQ(world.kills, std::vector<WorkerId>{worker});
  world.die(worker);
  EXPECT_EQ(world.state_of("chat"), "absent");
  EXPECT_TRUE(world.state.calls.empty());
}

TEST(Core, NobodyPaysForTheTimeUntilAnEndWasRead) {
  World world;
  world.deploy("chat");
  const CallId call = world.call("chat");
  world.ready(world.only_worker(), 1);
  world.pass(milliseconds(9));
  const MonoTime ended = world.now;
  world.pass(milliseconds(2));
  world.running.erase(call);
  world.feed(CallEnded{.call = call, .at = ended});
  EXPECT_EQ(world.records.at(call).busy, milliseconds(9));
  EXPECT_EQ(world.records.at(call).total, milliseconds(11));
}

TEST(Core, TwoHundredCallersOnAColdEndpointMakeOneStart) {
  World world;
  world.deploy("chat", {}, {.queue = 200});
  std::vector<CallId> calls;
  for (int i = 0; i < 200; ++i)
    calls.push_back(world.call("chat"));
  EXPECT_EQ(world.starts.size(), 1U);
  EXPECT_TRUE(world.errors.empty());
  const CallId beyond = world.call("chat");
  EXPECT_EQ(world.errors.at(beyond).kind, ErrorKind::kOverloaded);
  EXPECT_GT(world.errors.at(beyond).retry_after.count(), 0);
  EXPECT_FALSE(world.records.contains(beyond));

  world.ready(world.only_worker(), 4);
  EXPECT_EQ(world.running.size(), 4U);
  ASSERT_EQ(world.resizes.size(), 1U);
  EXPECT_EQ(world.resizes[0].slots, 8);
  world.ready(world.only_worker(), 8);
  EXPECT_EQ(world.running.size(), 8U);
  while (!world.running.empty()) {
    if (world.state.workers.begin()->second.resizing) world.ready(world.only_worker(), world.resizes.back().slots);
    world.pass(milliseconds(1));
    world.finish(world.running.begin()->first);
  }
  EXPECT_EQ(world.records.size(), 200U);
  EXPECT_EQ(world.starts.size(), 1U);
  for (size_t i = 1; i < world.dispatches.size(); ++i)
    EXPECT_LT(world.dispatches[i - 1].call, world.dispatches[i].call) << "first come, first served";
}

TEST(Core, DeadlinesOfWaitingAndOfRunningCalls) {
  World world;
  world.deploy("chat", {}, {.wait = milliseconds(1'000), .time = milliseconds(2'000)});
  const CallId waits = world.call("chat");
  world.pass(milliseconds(1'001));
  EXPECT_EQ(world.errors.at(waits).kind, ErrorKind::kTimeout);
  EXPECT_EQ(world.records.at(waits).cost, 0);

  world.ready(world.only_worker(), 1);
  const CallId runs = world.call("chat");
  world.pass(milliseconds(2'001));
  EXPECT_EQ(world.errors.at(runs).kind, ErrorKind::kTimeout);
  EXPECT_EQ(world.cancels, std::vector<CallId>{runs});
  EXPECT_FALSE(world.records.contains(runs)) << "its slot is not free yet";
  world.pass(milliseconds(10));
  world.finish(runs, Outcome::kLeft);
  EXPECT_EQ(world.records.at(runs).outcome, Outcome::kTimeout);
  EXPECT_GT(world.records.at(runs).cost, 0) << "it ran, so it pays";

  const CallId hurried = world.call("chat", world.now + milliseconds(100));
  world.pass(milliseconds(101));
  EXPECT_EQ(world.errors.at(hurried).kind, ErrorKind::kTimeout);
}

TEST(Core, AClientThatLeaves) {
  World world;
  world.deploy("chat", {.max = 1});
  const CallId runs = world.call("chat");
  const CallId waits = world.call("chat");
  world.ready(world.only_worker(), 1);
  world.feed(CallLeft{waits});
  EXPECT_EQ(world.records.at(waits).outcome, Outcome::kLeft);
  EXPECT_EQ(world.records.at(waits).cost, 0);
  world.pass(milliseconds(3));
  world.feed(CallLeft{runs});
  const CallId next = world.call("chat");
  EXPECT_FALSE(world.running.contains(next)) << "the slot is free when the worker says so, not before";
  world.finish(runs, Outcome::kLeft);
  EXPECT_TRUE(world.running.contains(next));
  EXPECT_EQ(world.records.at(runs).billed_ms, 3);
}

TEST(Core, MemoryPressureTakesTheCheapest) {
  // Room for two workers of about 200 MiB and no third.
  World world({.memory_limit_bytes = 450ULL << 20U, .memory_reserve_bytes = 0, .cores = 2, .first_worker_id = 1});
  for (const char* name : {"a", "b", "c"})
    world.deploy(name, {.max = 1});
  const CallId a = world.call("a");
  world.ready(world.starts.back().worker, 1);
  world.finish(a);
  world.pass(seconds(1));
  const CallId b = world.call("b");
  world.ready(world.starts.back().worker, 1);
  world.finish(b);
  world.pass(seconds(1));
  const CallId c = world.call("c");
  EXPECT_EQ(world.starts.size(), 2U);
  ASSERT_EQ(world.parks.size(), 1U);
  EXPECT_EQ(world.parks[0], world.starts[0].worker) << "the longest idle one";
  world.feed(WorkerParked{world.parks[0]});
  ASSERT_EQ(world.parks.size(), 2U) << "a wake is cheaper than a start: the other one parks before any ends";
  world.feed(WorkerParked{world.parks[1]});
  ASSERT_EQ(world.kills.size(), 1U) << "what is mapped still counts";
  world.die(world.kills[0]);
  ASSERT_EQ(world.starts.size(), 3U);
  world.ready(world.starts[2].worker, 1);
  EXPECT_TRUE(world.running.contains(c));
}

TEST(Core, AnotherRevisionTakesOverWithoutLosingACall) {
  World world;
  world.deploy("chat", {.max = 1});
  const CallId runs = world.call("chat");
  const WorkerId old = world.only_worker();
  world.ready(old, 1);
  const CallId waits = world.call("chat");
  world.deploy("chat", {.max = 1});
  ASSERT_EQ(world.starts.size(), 2U);
  world.ready(world.starts[1].worker, 1);
  EXPECT_EQ(world.running.at(waits), world.starts[1].worker);
  EXPECT_TRUE(world.kills.empty());
  world.finish(runs);
  EXPECT_EQ(world.kills, std::vector<WorkerId>{old});
  world.die(old);
  EXPECT_EQ(world.state.revisions.size(), 1U);
}

TEST(Core, ARemovedEndpointTellsItsWaiters) {
  World world;
  world.deploy("chat", {.max = 1});
  const CallId runs = world.call("chat");
  const CallId waits = world.call("chat");
  world.ready(world.only_worker(), 1);
  world.feed(EndpointRemoved{"chat"});
  EXPECT_EQ(world.errors.at(waits).kind, ErrorKind::kNotFound);
  EXPECT_TRUE(world.running.contains(runs));
  world.finish(runs);
  EXPECT_GT(world.records.at(runs).cost, 0);
  EXPECT_EQ(world.kills.size(), 1U);
  EXPECT_EQ(world.errors.at(world.call("chat")).code, "model_not_found");
}

TEST(Core, DrainFinishesWhatRunsAndRefusesTheRest) {
  World world;
  world.deploy("chat", {.max = 1});
  const CallId runs = world.call("chat");
  const CallId waits = world.call("chat");
  world.ready(world.only_worker(), 1);
  world.feed(DrainRequested{});
  EXPECT_EQ(world.errors.at(waits).kind, ErrorKind::kUnavailable);
  EXPECT_EQ(world.errors.at(world.call("chat")).kind, ErrorKind::kUnavailable);
  EXPECT_FALSE(world.drained);
  world.finish(runs);
  EXPECT_TRUE(world.drained);
}

TEST(Core, DrainIsBounded) {
  World world;
  world.deploy("chat");
  const CallId runs = world.call("chat");
  world.ready(world.only_worker(), 1);
  world.feed(DrainRequested{});
  world.pass(seconds(31));
  EXPECT_EQ(world.cancels, std::vector<CallId>{runs});
  world.finish(runs, Outcome::kLeft);
  EXPECT_TRUE(world.drained);
  EXPECT_EQ(world.records.at(runs).cost, 0) << "cut off by us";
}

TEST(Core, MinimumSlotsAreReadyWithoutACallAndStay) {
  World world;
  world.deploy("chat", {.min = 2, .max = 4, .idle = milliseconds(1'000)});
  ASSERT_EQ(world.starts.size(), 1U);
  EXPECT_EQ(world.starts[0].slots, 2);
  world.ready(world.only_worker(), 2);
  world.pass(seconds(1'000));
  EXPECT_TRUE(world.parks.empty());
}

TEST(Core, AHundredIdleEndpointsAskForNothing) {
  World world;
  for (int i = 0; i < 100; ++i)
    world.deploy("e" + std::to_string(i));
  EXPECT_EQ(world.wake, MonoTime::max());
  EXPECT_TRUE(world.starts.empty());
}

TEST(Core, BillsAddUpToBusyTime) {
  World world;
  world.deploy("chat", {.min = 4, .max = 4});
  world.ready(world.only_worker(), 4);
  std::mt19937 random(7);
  for (int i = 0; i < 500; ++i) {
    if (world.running.size() < 4 && random() % 2 == 0) world.call("chat");
    world.pass(nanoseconds(random() % 1'000'003));
    if (!world.running.empty() && random() % 2 == 0) world.finish(std::next(world.running.begin(), static_cast<long>(random() % world.running.size()))->first);
  }
  while (!world.running.empty())
    world.finish(world.running.begin()->first);
  nanoseconds sum{0};
  for (const auto& [id, record] : world.records)
    sum += record.busy;
  EXPECT_EQ(sum, world.state.workers.begin()->second.meter.busy_total());
}

}  // namespace
}  // namespace ebb::control
