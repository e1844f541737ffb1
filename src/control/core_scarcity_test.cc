// Stories of scarce and hostile worlds: memory that runs out, workers that promise much or little, strangers that make up names.
#include <gtest/gtest.h>

#include "control/core.h"
#include "control/world_for_test.h"

namespace ebb::control {
namespace {

constexpr uint64_t kMib = 1ULL << 20U;

// Ready workers without calls for the endpoints, each measured at `pss`.
void idle_workers(World& world, const std::vector<std::string>& names, uint64_t pss, uint64_t available) {
  for (const std::string& name : names) {
    world.deploy(name, {.max = 1});
    const CallId call = world.call(name);
    world.ready(world.starts.back().worker, 1);
    world.finish(call);
  }
  Readings readings{.node_available_bytes = available, .workers = {}};
  for (const auto& [id, worker] : world.state.workers)
    readings.workers.push_back({.worker = id, .pss_bytes = pss});
  world.feed(readings);
}

TEST(CoreScarcity, AWorkerThatWasPausedLongAgoIsStillWatched) {
  World world;
  for (const char* name : {"a", "b", "c"}) {
    world.deploy(name, {.idle = milliseconds(3'600'000)});
    world.call(name);
  }
  for (const StartWorker& start : std::vector(world.starts))
    world.ready(start.worker, 1);
  // Whoever is paused now ends its call, and is idle for long.
  CallId paused;
  WorkerId worker;
  for (const auto& [call, on] : world.running) {
    if (world.threads[on] == 0) paused = call, worker = on;
  }
  ASSERT_TRUE(paused);
  for (const CallId call : {paused, world.running.begin()->first, world.running.rbegin()->first}) {
    if (world.running.contains(call)) world.finish(call);
  }
  while (!world.running.empty())
    world.finish(world.running.begin()->first);
  world.pass(seconds(1'000));
  world.call(world.state.workers.at(worker).endpoint);
  EXPECT_LE(world.state.workers.at(worker).progress, world.now);
  world.pass(seconds(40));
  EXPECT_EQ(world.kills, std::vector<WorkerId>{worker});
}

TEST(CoreScarcity, AWorkerThatCannotWakeIsNotAskedWithoutEnd) {
  World world;
  world.deploy("chat", {.idle = milliseconds(1'000)});
  world.finish(world.call("chat"));
  const WorkerId worker = world.only_worker();
  world.ready(worker, 1);
  world.finish(CallId{1});
  world.pass(seconds(2));
  world.feed(WorkerParked{worker});
  const CallId waits = world.call("chat");
  ASSERT_EQ(world.unparks.size(), 1U);
  for (int i = 0; i < 10; ++i)
    world.ready(worker, 0);  // no memory for one slot
  EXPECT_EQ(world.unparks.size(), 1U);
  world.pass(seconds(3));
  EXPECT_EQ(world.unparks.size(), 2U) << "again after a pause";
  world.ready(worker, 1);
  EXPECT_TRUE(world.running.contains(waits));
}

TEST(CoreScarcity, OneReadingOfPressureDoesNotTakeEveryWorker) {
  World world;
  idle_workers(world, {"a", "b", "c", "d"}, 300 * kMib, 8192 * kMib);
  Readings pressed{.node_available_bytes = 200 * kMib, .workers = {}};
  for (const auto& [id, worker] : world.state.workers)
    pressed.workers.push_back({.worker = id, .pss_bytes = 300 * kMib});
  world.feed(pressed);
  for (int i = 0; i < 20; ++i) {
    for (const auto& [id, worker] : std::map(world.state.workers)) {
      if (worker.killed) {
        world.die(id);
      } else if (worker.phase == WorkerPhase::kParking) {
        world.feed(WorkerParked{id});
      }
    }
  }
  EXPECT_EQ(world.parks.size() + world.kills.size(), 1U) << "what it freed covers what was short, until measured again";
}

TEST(CoreScarcity, ACallThatWantsMemoryTakesNoMoreThanItNeeds) {
  World world;
  idle_workers(world, {"a", "b", "c", "d"}, 300 * kMib, 300 * kMib);
  world.deploy("e", {.max = 1});
  const CallId call = world.call("e");
  for (int i = 0; i < 20; ++i) {
    for (const auto& [id, worker] : std::map(world.state.workers)) {
      if (worker.killed) {
        world.die(id);
      } else if (worker.phase == WorkerPhase::kParking) {
        world.feed(WorkerParked{id});
      }
    }
  }
  EXPECT_EQ(world.starts.size(), 5U);
  EXPECT_LE(world.parks.size() + world.kills.size(), 2U);
  world.ready(world.starts.back().worker, 1);
  EXPECT_TRUE(world.running.contains(call));
}

TEST(CoreScarcity, MemoryThatALoadWillTakeIsNotGivenTwice) {
  World world;
  for (const char* name : {"a", "b"})
    world.deploy(name, {.max = 1});
  world.feed(Readings{.node_available_bytes = (256 + 350) * kMib, .workers = {}});
  world.call("a");  // about 200 MiB
  world.call("b");
  EXPECT_EQ(world.starts.size(), 1U);
  world.ready(world.starts[0].worker, 1);
  world.feed(Readings{.node_available_bytes = (256 + 250) * kMib, .workers = {{.worker = world.starts[0].worker, .pss_bytes = 150 * kMib}}});
  EXPECT_EQ(world.starts.size(), 2U);
}

TEST(CoreScarcity, MadeUpNamesDoNotFillTheJournal) {
  World world;
  for (int i = 0; i < 12'000; ++i)
    world.call("made-up-" + std::to_string(i));
  world.deploy("chat");
  world.call("chat");
  EXPECT_FALSE(world.state.endpoints.at("chat").journal.all().empty());
}

TEST(CoreScarcity, ACallWithLessTimeThanTheUsualServiceIsTriedWhenNobodyRuns) {
  World world;
  world.deploy("chat", {.max = 1, .idle = milliseconds(1'000)});
  const CallId slow = world.call("chat");
  const WorkerId worker = world.only_worker();
  world.ready(worker, 1);
  world.pass(seconds(10));
  world.finish(slow);
  world.pass(seconds(2));
  world.feed(WorkerParked{worker});
  const CallId hurried = world.call("chat", world.now + seconds(5));
  EXPECT_FALSE(world.errors.contains(hurried)) << "no call is before it: only the wake is";
  EXPECT_EQ(world.unparks.size(), 1U);
}

TEST(CoreScarcity, ADeadlineThatIsOverSaysSo) {
  World world;
  world.deploy("chat", {.max = 1});
  world.call("chat");
  const CallId late = world.call("chat", world.now - seconds(1));
  EXPECT_EQ(world.errors.at(late).kind, ErrorKind::kTimeout);
}

TEST(CoreScarcity, ARevisionThatCanNeverFitIsRefusedWithTheNumbers) {
  World world({.memory_limit_bytes = 300 * kMib, .memory_reserve_bytes = 0, .cores = 2, .first_worker_id = 1});
  world.deploy("big", {}, {}, 4096 * kMib);
  const CallId call = world.call("big");
  ASSERT_TRUE(world.errors.contains(call));
  EXPECT_EQ(world.errors.at(call).kind, ErrorKind::kExhausted);
  EXPECT_NE(world.errors.at(call).message.find("4096 MiB"), std::string::npos);
  EXPECT_FALSE(world.records.contains(call));
}

TEST(CoreScarcity, ALoadThatAlwaysProgressesEndsAtItsDeadline) {
  World world;
  world.deploy("chat", {}, {.wait = milliseconds(3'600'000)});
  world.call("chat");
  for (int i = 0; i < 200 && world.kills.empty(); ++i) {
    world.pass(seconds(1));
    world.feed(WorkerProgress{world.only_worker()});
  }
  EXPECT_EQ(world.kills.size(), 1U);
}

TEST(CoreScarcity, AWorkerHasNoMoreSlotsThanItWasGiven) {
  World world;
  world.deploy("chat", {.max = 2});
  for (int i = 0; i < 10; ++i)
    world.call("chat");
  world.ready(world.only_worker(), 1'000'000);
  EXPECT_EQ(world.running.size(), 2U);
  world.feed(WorkerReady{.worker = world.only_worker(), .slots = -5});
  EXPECT_EQ(world.running.size(), 2U);
}

TEST(CoreScarcity, SlotsBeyondTheMinimumAreGivenBackWhenIdle) {
  World world;
  world.deploy("chat", {.min = 1, .max = 8, .idle = milliseconds(1'000)});
  const WorkerId worker = world.only_worker();
  world.ready(worker, 1);
  for (int i = 0; i < 8; ++i)
    world.call("chat");
  while (world.state.workers.at(worker).resizing)
    world.ready(worker, world.resizes.back().slots);
  EXPECT_EQ(world.running.size(), 8U);
  while (!world.running.empty())
    world.finish(world.running.begin()->first);
  world.pass(seconds(2));
  EXPECT_EQ(world.resizes.back().slots, 1);
  EXPECT_TRUE(world.parks.empty());
  const CallId during = world.call("chat");
  EXPECT_TRUE(world.running.contains(during)) << "the slot that stays serves meanwhile";
  world.ready(worker, 1);
  world.finish(during);
  const size_t resizes = world.resizes.size();
  world.pass(seconds(100));
  EXPECT_EQ(world.resizes.size(), resizes);
}

TEST(CoreScarcity, ACallThatIsTriedAgainBelongsToTheRevisionOfNow) {
  World world({.memory_limit_bytes = 8192 * kMib, .memory_reserve_bytes = 0, .cores = 2, .first_worker_id = 1});
  world.deploy("chat", {.max = 1}, {.wait = milliseconds(1'000)});
  const CallId call = world.call("chat");
  const WorkerId old = world.only_worker();
  world.ready(old, 1);
  world.deploy("chat", {.max = 1}, {.wait = milliseconds(1'000)});
  world.die(old);
  EXPECT_EQ(world.state.revisions.size(), 1U);
  EXPECT_TRUE(world.state.revisions.contains(world.state.calls.at(call).revision));
  world.pass(seconds(2));
  EXPECT_EQ(world.records.at(call).revision, RevisionId{2});
  EXPECT_GT(world.records.at(call).memory_mib, 0);
}

TEST(CoreScarcity, ManyEndpointsAreDeployedWithoutLookingAtEachOther) {
  World world;
  for (int i = 0; i < 10'000; ++i) {
    domain::EndpointSpec spec{.name = "e" + std::to_string(i), .engine = domain::Engine::kEcho};
    const auto revision = domain::make_revision(RevisionId{static_cast<uint64_t>(i + 1)}, spec, std::nullopt, WallTime{});
    step(world.state, RevisionDeployed{*revision}, world.now, world.rng);
  }
  EXPECT_EQ(world.state.revisions.size(), 10'000U);
  EXPECT_EQ(world.wake, MonoTime::max());
}

TEST(CoreScarcity, CoresComeBackWhenNobodyElseRunsAnyMore) {
  World world;
  world.deploy("chat");
  world.call("chat");
  world.feed(Readings{.cores_busy_elsewhere = 1.2, .node_available_bytes = 8ULL << 30U, .workers = {}});
  EXPECT_EQ(world.state.engine_cores, 1);
  world.feed(WorkerReady{.worker = world.only_worker(), .slots = 1, .alone = true});
  EXPECT_EQ(world.state.engine_cores, 2);
  world.feed(Readings{.cores_busy_elsewhere = 1.2, .node_available_bytes = 8ULL << 30U, .workers = {}});
  EXPECT_EQ(world.state.engine_cores, 1) << "until they do again";
}

}  // namespace
}  // namespace ebb::control
