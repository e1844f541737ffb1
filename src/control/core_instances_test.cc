// Functions: instances that are prepared, started, filled, frozen and thawed.
#include <gtest/gtest.h>

#include "control/view.h"
#include "control/world_for_test.h"
#include "domain/limits.h"

namespace ebb::control {
namespace {

// Deployed and prepared.
struct Prepared : World {
  explicit Prepared(int calls = 1, domain::Scaling scaling = {}) {
    deploy_function("f", calls, scaling);
    const auto prepared = std::ranges::find(starts, 0, &StartWorker::slots);
    if (prepared != starts.end()) {
      ready(WorkerId{prepared->worker}, 0);
    } else {
      ADD_FAILURE() << "nothing is prepared";
    }
  }
  // Does what the core asked of those that start, wake or park.
  void settle_all() {
    for (int round = 0; round < 3; ++round) {
      std::vector<std::pair<WorkerId, WorkerState>> all(state.workers.begin(), state.workers.end());
      for (const auto& [id, worker] : all) {
        if (worker.killed)
          die(id, "killed");
        else if (worker.phase == WorkerPhase::kParking)
          feed(WorkerParked{id});
        else if (loads(worker))
          ready(id, worker.slots);
      }
    }
  }
  static bool loads(const WorkerState& worker) { return worker.phase == WorkerPhase::kStarting || worker.phase == WorkerPhase::kWaking; }
};

TEST(Instances, AreOnlyPreparedByADeployment) {
  Prepared world;
  EXPECT_EQ(world.state_of("f"), "prepared");
  world.pass(std::chrono::hours(24));
  EXPECT_TRUE(world.kills.empty()) << "what is prepared stays";
  EXPECT_EQ(world.starts.size(), 1U);
}

TEST(Instances, ACallStartsThePreparedOneAndTheNextIsPreparedThen) {
  Prepared world;
  const CallId call = world.call("f");
  ASSERT_EQ(world.unparks.size(), 1U);
  EXPECT_EQ(world.unparks[0].slots, 1);
  EXPECT_EQ(world.starts.size(), 1U) << "it would take a core from the start";
  world.ready(world.unparks[0].worker, 1);
  ASSERT_EQ(world.starts.size(), 2U) << "another is prepared";
  EXPECT_EQ(world.starts[1].slots, 0);
  ASSERT_EQ(world.dispatches.size(), 1U);
  EXPECT_EQ(world.dispatches[0].tier, domain::Tier::kCold);
  world.finish(call);
  EXPECT_EQ(world.records.at(call).tier, domain::Tier::kCold);
}

TEST(Instances, ALongStartDoesNotHoldUpThePreparationOfTheNext) {
  Prepared world;
  world.deploy_function("g", 1);
  world.ready(world.starts.back().worker, 0);
  world.call("f");
  world.call("g");
  EXPECT_EQ(world.starts.size(), 2U);
  world.ready(world.unparks[0].worker, 1);
  EXPECT_EQ(world.starts.size(), 2U) << "the other function starts still";
  world.pass(milliseconds(99));
  EXPECT_EQ(world.starts.size(), 2U);
  world.pass(milliseconds(1));
  EXPECT_EQ(world.starts.size(), 4U);
}

TEST(Instances, AFrozenOneIsGivenItsCallsAlongWithTheThaw) {
  Prepared world(2, {.idle = milliseconds(1'000)});
  world.finish(world.call("f").value == 0 ? CallId{} : (world.settle_all(), world.running.begin()->first));
  world.pass(milliseconds(1'100));
  world.feed(WorkerParked{world.parks.at(0)});
  const size_t dispatched = world.dispatches.size();
  world.call("f");
  world.call("f");
  world.call("f");
  EXPECT_EQ(world.unparks.at(1).worker, world.parks[0]);
  EXPECT_EQ(world.dispatches.size(), dispatched + 2) << "before the worker answers, and not more than it takes";
  world.die(world.parks[0], "it cannot be thawed");
  world.settle_all();
  EXPECT_EQ(world.running.size(), 3U) << "nothing is lost with one that does not wake";
}

TEST(Instances, TheStartIsALineOfItsOwnOnce) {
  World world;
  world.state.price_lists.at(0).init_per_gib_second = 3 * domain::kMibMsPerGibSecond;
  world.deploy_function("f", 2, {.idle = milliseconds(100)});
  world.ready(world.starts[0].worker, 0);
  world.call("f");
  world.call("f");
  world.pass(milliseconds(40));
  world.ready(world.unparks[0].worker, 2);
  ASSERT_EQ(world.inits.size(), 1U);
  EXPECT_EQ(world.inits[0].billed_ms, 40);
  EXPECT_EQ(world.inits[0].cost, 40 * 128 * 3);
  while (!world.running.empty())
    world.finish(world.running.begin()->first);
  world.pass(milliseconds(200));
  world.feed(WorkerParked{world.parks.at(0)});
  world.call("f");
  world.ready(world.parks.at(0), 2);
  EXPECT_EQ(world.inits.size(), 1U) << "a thaw is no start";
}

TEST(Instances, OneCallEachWhereTheContractSaysSo) {
  Prepared world;
  for (int i = 0; i < 5; ++i)
    world.call("f");
  EXPECT_EQ(world.unparks.size(), 1U);
  EXPECT_EQ(std::ranges::count_if(world.starts, [](const StartWorker& start) { return start.slots == 1; }), 4);
  world.settle_all();
  EXPECT_EQ(world.running.size(), 5U);
  std::set<WorkerId> used;
  for (const auto& [call, worker] : world.running)
    used.insert(worker);
  EXPECT_EQ(used.size(), 5U) << "never two calls in one instance";
}

TEST(Instances, NeverMoreThanTheMaximum) {
  Prepared world(1, {.max = 2});
  for (int i = 0; i < 5; ++i)
    world.call("f");
  world.settle_all();
  EXPECT_EQ(world.running.size(), 2U);
  world.finish(world.running.begin()->first);
  EXPECT_EQ(world.running.size(), 2U) << "the next takes the free one";
}

TEST(Instances, AreFilledBeforeOthersStart) {
  Prepared world(3);
  for (int i = 0; i < 4; ++i)
    world.call("f");
  world.settle_all();
  std::map<WorkerId, int> in;
  for (const auto& [call, worker] : world.running)
    ++in[worker];
  ASSERT_EQ(in.size(), 2U);
  // One more goes where more run already.
  const CallId last = world.call("f");
  world.finish(world.running.begin()->first);
  EXPECT_TRUE(world.running.contains(last));
}

TEST(Instances, FreezeWhenIdleThawOnACallAndGoInTheEnd) {
  Prepared world(1, {.idle = milliseconds(1'000), .keep = milliseconds(5'000)});
  world.finish(world.call("f").value == 0 ? CallId{} : (world.settle_all(), world.running.begin()->first));
  world.pass(milliseconds(1'100));
  ASSERT_EQ(world.parks.size(), 1U);
  world.feed(WorkerParked{world.parks[0]});
  const size_t starts = world.starts.size();
  const CallId again = world.call("f");
  ASSERT_EQ(world.unparks.size(), 2U);
  EXPECT_EQ(world.unparks[1].worker, world.parks[0]) << "the frozen one, not the prepared one";
  world.ready(world.parks[0], 1);
  EXPECT_EQ(world.dispatches.back().tier, domain::Tier::kParked);
  world.finish(again);
  EXPECT_EQ(world.starts.size(), starts);
  world.pass(milliseconds(1'100));
  world.feed(WorkerParked{world.parks[1]});
  world.pass(milliseconds(5'100));
  EXPECT_EQ(world.kills, std::vector{world.parks[0]}) << "the prepared one stays";
  EXPECT_EQ(world.graces, std::vector{domain::kFunctionEndTimeMax});
}

TEST(Instances, WhoWantsMemoryDoesNotWaitForAGoodbye) {
  World world;
  world.deploy_function("f", 1, {.idle = milliseconds(1'000), .keep = milliseconds(5'000)}, {}, 4'096);
  world.ready(world.starts[0].worker, 0);
  const CallId first = world.call("f");
  world.ready(world.unparks[0].worker, 1);
  world.finish(first);
  const WorkerId worker = world.unparks[0].worker;
  world.pass(milliseconds(1'100));
  world.feed(WorkerParked{worker});
  world.pass(milliseconds(5'100));
  ASSERT_EQ(world.kills, std::vector{worker});
  world.deploy_function("g", 1, {}, {}, 6'000);
  world.ready(world.starts.back().worker, 0);
  world.call("g");
  ASSERT_EQ(world.kills.size(), 2U);
  EXPECT_EQ(world.kills[1], worker);
  EXPECT_EQ(world.graces, (std::vector{domain::kFunctionEndTimeMax, milliseconds(0)}));
}

TEST(Instances, TheMinimumStaysReady) {
  Prepared world(2, {.min = 2, .idle = milliseconds(100)});
  world.settle_all();
  EXPECT_EQ(world.in_phase(WorkerPhase::kReady).size(), 2U);
  world.pass(seconds(10));
  world.settle_all();
  EXPECT_EQ(world.in_phase(WorkerPhase::kReady).size(), 2U);
  for (int i = 0; i < 6; ++i)
    world.call("f");
  world.settle_all();
  EXPECT_EQ(world.in_phase(WorkerPhase::kReady).size(), 3U);
  while (!world.running.empty())
    world.finish(world.running.begin()->first);
  world.pass(seconds(1));
  world.settle_all();
  EXPECT_EQ(world.in_phase(WorkerPhase::kReady).size(), 2U) << "the third is frozen";
}

TEST(Instances, AnEndWhileItServesIsNoFailureOfTheEndpoint) {
  Prepared world;
  for (int i = 0; i < 20; ++i) {
    const CallId call = world.call("f");
    world.settle_all();
    ASSERT_TRUE(world.running.contains(call)) << i;
    const WorkerId worker = world.running.at(call);
    world.feed(CallCommitted{call});
    world.die(worker, "exit 5");
    EXPECT_EQ(world.errors.at(call).code, "worker_died") << "what began is not run twice";
    world.settle_all();
  }
  EXPECT_EQ(world.state.endpoints.at("f").failures, 0);
}

TEST(Instances, AFunctionThatNeverStartsIsToldAndTriedLater) {
  Prepared world;
  const CallId call = world.call("f");
  world.die(world.unparks[0].worker, "exit 2", Error{.kind = ErrorKind::kCorrupt, .message = "it exited at once with 1"});
  ASSERT_TRUE(world.errors.contains(call));
  EXPECT_NE(world.errors.at(call).message.find("the function does not start: it exited at once with 1"), std::string::npos);
  EXPECT_EQ(world.state_of("f"), "failed");
  EXPECT_EQ(world.records.at(call).outcome, domain::Outcome::kFailed) << "not Ebb's fault";
  EXPECT_EQ(world.records.at(call).billed_ms, 0);
}

TEST(Instances, ASilentCallIsBoundedByItsOwnTimeOnly) {
  World world;
  world.deploy_function("f", 1, {}, {.time = milliseconds(600'000)});
  world.ready(world.starts[0].worker, 0);
  const CallId call = world.call("f");
  world.ready(world.unparks[0].worker, 1);
  world.ready(world.starts[1].worker, 0);
  world.pass(milliseconds(599'000));
  EXPECT_TRUE(world.kills.empty());
  world.pass(milliseconds(1'200));
  EXPECT_TRUE(world.cancels.empty()) << "its worker has the last word";
  world.pass(milliseconds(800));
  EXPECT_EQ(world.cancels, std::vector{call});
}

TEST(Instances, MayTakeAsLongToStartAsTheirOwnerSays) {
  World world;
  domain::EndpointSpec spec{.name = "f", .engine = domain::Engine::kContainer, .memory_mib = 128};
  auto revision = domain::make_revision(RevisionId{1}, spec, std::nullopt, WallTime{});
  ASSERT_TRUE(revision);
  revision->calls_per_instance = 1;
  revision->function = domain::Function{};
  revision->spec.function = domain::FunctionSpec{.start = milliseconds(200'000)};
  world.feed(RevisionDeployed{*revision});
  const WorkerId worker = world.starts.at(0).worker;
  const auto works = [&](int times) {
    for (int i = 0; i < times && world.kills.empty(); ++i) {
      world.feed(WorkerProgress{worker});
      world.pass(seconds(5));
    }
  };
  works(40);
  EXPECT_TRUE(world.kills.empty());
  works(10);
  EXPECT_EQ(world.kills, std::vector{worker}) << "not for ever";
}

TEST(Instances, TakeNoCoresFromEngines) {
  World world;
  world.deploy("m");
  world.deploy_function("f", 1);
  world.ready(world.starts[0].worker, 0);
  world.call("f");
  world.ready(world.unparks[0].worker, 1);
  world.call("m");
  EXPECT_EQ(world.starts.back().endpoint, "m");
  EXPECT_EQ(world.starts.back().threads, 2);
}

TEST(Instances, MemoryAdmitsThemByTheirLimit) {
  World world({.memory_limit_bytes = 1ULL << 30U, .memory_reserve_bytes = 0, .cores = 2, .first_worker_id = 1});
  world.deploy_function("f", 1, {.max = 100}, {}, 256);
  world.ready(world.starts[0].worker, 0);
  for (int i = 0; i < 10; ++i)
    world.call("f");
  const auto comes = std::ranges::count_if(world.state.workers, [](const auto& worker) { return worker.second.slots == 1; });
  EXPECT_EQ(comes, 3);
}

TEST(Instances, CountForTheirLimitUntilTheyAreMeasured) {
  World world({.memory_limit_bytes = 1ULL << 30U, .memory_reserve_bytes = 0, .cores = 2, .first_worker_id = 1});
  world.deploy_function("f", 1, {.max = 100}, {}, 256);
  const auto reads = [&](WorkerId worker, uint64_t mib) {
    world.feed(Readings{.node_available_bytes = 1ULL << 30U, .workers = {{.worker = worker, .pss_bytes = mib << 20U}}});
  };
  world.ready(world.starts[0].worker, 0);
  const WorkerId first = world.starts[0].worker;
  reads(first, 4);
  EXPECT_EQ(counted_bytes(world.state, first), 4ULL << 20U) << "a prepared sandbox";
  world.call("f");
  ASSERT_EQ(world.unparks.at(0).worker, first);
  world.ready(first, 1);
  EXPECT_EQ(counted_bytes(world.state, first), 264ULL << 20U) << "what was read was a sandbox without its function";
  EXPECT_FALSE(world.state.endpoints.at("f").measured_bytes);
  reads(first, 60);
  EXPECT_EQ(counted_bytes(world.state, first), 60ULL << 20U);
  for (int i = 0; i < 30; ++i)
    world.call("f");
  const auto serving = [&] { return std::ranges::count_if(world.state.workers, [](const auto& worker) { return worker.second.slots == 1; }); };
  EXPECT_EQ(serving(), 16) << "others are admitted by what one was seen to take; one more is prepared";
  // More than one was seen to take: the next is admitted by that.
  reads(first, 100);
  EXPECT_EQ(world.state.endpoints.at("f").measured_bytes, 100ULL << 20U);
  reads(first, 50);
  EXPECT_EQ(world.state.endpoints.at("f").measured_bytes, 100ULL << 20U);
}

TEST(Instances, PreparedOnesAreBoundedOnANode) {
  World world;
  for (int i = 0; i < domain::kPreparedInstancesMax + 5; ++i)
    world.deploy_function("f" + std::to_string(i), 1);
  EXPECT_EQ(world.starts.size(), static_cast<size_t>(domain::kPreparedInstancesMax));
}

}  // namespace
}  // namespace ebb::control
