// What goes wrong, told as short stories in virtual time: deaths, crash loops, silence, refusals of workers, a full disk.
#include "control/core.h"

#include <gtest/gtest.h>

#include "control/world_for_test.h"

namespace ebb::control {
namespace {

using domain::Outcome;
using domain::Tier;

TEST(CoreFailure, ADeathBeforeTheFirstByteIsTriedOnceMoreInOrder) {
  World world;
  world.deploy("chat");
  const CallId first = world.call("chat");
  const CallId second = world.call("chat");
  world.ready(world.only_worker(), 2);
  world.die(world.only_worker());
  EXPECT_TRUE(world.errors.empty());
  ASSERT_EQ(world.starts.size(), 2U);
  world.ready(world.only_worker(), 2);
  ASSERT_EQ(world.dispatches.size(), 4U);
  EXPECT_EQ(world.dispatches[2].call, first);
  EXPECT_EQ(world.dispatches[3].call, second);
  world.die(world.only_worker());
  EXPECT_EQ(world.errors.at(first).kind, ErrorKind::kPoison);
  EXPECT_EQ(world.records.at(first).outcome, Outcome::kFault);
  EXPECT_EQ(world.records.at(first).cost, 0);
}

TEST(CoreFailure, ADeathAfterTheFirstByteIsToldAndFree) {
  World world;
  world.deploy("chat");
  const CallId call = world.call("chat");
  world.ready(world.only_worker(), 1);
  world.pass(milliseconds(5));
  world.feed(CallFirstText{call});
  world.die(world.only_worker());
  EXPECT_EQ(world.errors.at(call).kind, ErrorKind::kUnavailable);
  EXPECT_EQ(world.records.at(call).cost, 0);
  EXPECT_EQ(world.starts.size(), 1U) << "nobody waits: no new start";
}

TEST(CoreFailure, ACrashLoopBacksOffThenTellsItsCallers) {
  World world;
  world.deploy("chat");
  const CallId call = world.call("chat");
  for (int death = 1; death < 5; ++death) {
    ASSERT_EQ(world.starts.size(), static_cast<size_t>(death));
    world.die(world.only_worker(), "exit 1");
    EXPECT_FALSE(world.errors.contains(call)) << death;
    world.pass(seconds(5));
  }
  world.die(world.only_worker(), "exit 1");
  EXPECT_EQ(world.errors.at(call).kind, ErrorKind::kUnavailable);
  const CallId next = world.call("chat");
  EXPECT_EQ(world.errors.at(next).kind, ErrorKind::kUnavailable) << "the breaker is open";
  world.pass(seconds(31));
  world.call("chat");
  EXPECT_EQ(world.starts.size(), 6U) << "one try after the pause";
}

TEST(CoreFailure, AModelThatDoesNotLoadIsToldAtOnce) {
  World world;
  world.deploy("chat");
  const CallId call = world.call("chat");
  world.die(world.only_worker(), "exit 2", Error{.kind = ErrorKind::kCorrupt, .message = "unknown architecture"});
  EXPECT_NE(world.errors.at(call).message.find("unknown architecture"), std::string::npos);
}

TEST(CoreFailure, ACancelThatIsNotObeyedKillsTheWorker) {
  World world;
  world.deploy("chat");
  const CallId call = world.call("chat");
  world.ready(world.only_worker(), 1);
  world.feed(CallLeft{call});
  world.pass(seconds(6));
  ASSERT_EQ(world.kills.size(), 1U);
  world.die(world.kills[0]);
  EXPECT_EQ(world.records.at(call).outcome, Outcome::kLeft);
}

TEST(CoreFailure, ASilentWorkerIsKilledAndAPausedOneIsNot) {
  World world;
  for (const char* name : {"a", "b", "c"}) {
    world.deploy(name);
    world.call(name);
  }
  ASSERT_EQ(world.state.workers.size(), 3U);
  std::vector<WorkerId> workers;
  for (const auto& [id, worker] : world.state.workers)
    workers.push_back(id);
  for (const WorkerId worker : workers)
    world.ready(worker, 1);
  for (int i = 0; i < 1000; ++i) {
    world.pass(milliseconds(100));
    int computing = 0;
    for (const WorkerId worker : workers) {
      const int threads = world.threads[worker];
      computing += threads;
      if (threads > 0 && worker != workers[1]) world.feed(WorkerProgress{worker});
    }
    if (!world.kills.empty()) break;
    EXPECT_EQ(computing, 2);
  }
  EXPECT_EQ(world.kills, std::vector<WorkerId>{workers[1]}) << "only the one that was silent while it had a core";
}

TEST(CoreFailure, AFullDiskRefusesBeforeAccepting) {
  World world;
  world.deploy("chat");
  world.feed(StoreWritable{.writable = false, .why = "disk full"});
  EXPECT_EQ(world.errors.at(world.call("chat")).kind, ErrorKind::kExhausted);
  EXPECT_TRUE(world.starts.empty());
  world.feed(StoreWritable{.writable = true});
  world.call("chat");
  EXPECT_EQ(world.starts.size(), 1U);
}

TEST(CoreFailure, AWorkerThatCannotGrowIsNotAskedWithoutEnd) {
  World world;
  world.deploy("chat");
  for (int i = 0; i < 20; ++i)
    world.call("chat");
  world.ready(world.only_worker(), 4);
  ASSERT_EQ(world.resizes.size(), 1U);
  world.ready(world.only_worker(), 4);
  EXPECT_EQ(world.resizes.size(), 1U);
  world.finish(world.running.begin()->first);
  EXPECT_EQ(world.resizes.size(), 1U);
}

// Busy time is split exactly: the records of a worker add up to its meter.

}  // namespace
}  // namespace ebb::control
