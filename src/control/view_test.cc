// What people see of the state, as summaries and as the whole in JSON.
#include "control/view.h"

#include <gtest/gtest.h>

#include "control/failure_policy.h"
#include "control/world_for_test.h"

namespace ebb::control {
namespace {

TEST(View, AnEndpointIsSummedOverItsWorkers) {
  World world;
  world.deploy("chat", {.max = 2});
  EXPECT_EQ(summary_of(world.state, "chat")->last_call, std::nullopt);
  EXPECT_FALSE(summary_of(world.state, "other"));
  world.call("chat");
  world.call("chat");
  world.ready(world.only_worker(), 1);
  world.feed(Readings{.node_available_bytes = 8ULL << 30U, .workers = {{.worker = world.only_worker(), .pss_bytes = 77}}});
  const auto summary = *summary_of(world.state, "chat");
  EXPECT_EQ(summary.state, "ready");
  EXPECT_EQ(summary.slots_busy, 1);
  EXPECT_EQ(summary.slots_ready, 1);
  EXPECT_EQ(summary.waiting, 1);
  EXPECT_EQ(summary.memory_bytes, 77U);
  EXPECT_EQ(summary.last_call, world.now);
  EXPECT_EQ(summaries(world.state).size(), 1U);
}

TEST(View, AnEndpointWhoseWorkersFailRefusesForAWhile) {
  World world;
  world.deploy("chat");
  EndpointState& endpoint = world.state.endpoints.at("chat");
  endpoint.backoff_until = world.now + seconds(3);
  endpoint.failures = kBreakerFailures - 1;
  EXPECT_EQ(summary_of(world.state, "chat")->refuses_until, std::nullopt);
  endpoint.failures = kBreakerFailures;
  EXPECT_EQ(summary_of(world.state, "chat")->refuses_until, world.now + seconds(3));
}

TEST(View, WorkersSayWhereTheyStand) {
  World world;
  world.deploy("chat", {.max = 1, .idle = milliseconds(1'000)});
  const auto word = [&] { return std::string(worker_summaries(world.state).at(0).state); };
  world.call("chat");
  const WorkerId worker = world.only_worker();
  EXPECT_EQ(word(), "starting");
  world.ready(worker, 1);
  EXPECT_EQ(word(), "ready");
  EXPECT_EQ(worker_summaries(world.state)[0].threads, 2);
  world.finish(CallId{1});
  world.pass(seconds(2));
  EXPECT_EQ(word(), "parking");
  EXPECT_EQ(world.state_of("chat"), "parking");
  world.feed(WorkerParked{worker});
  EXPECT_EQ(word(), "parked");
  EXPECT_EQ(world.state_of("chat"), "parked");
  world.call("chat");
  EXPECT_EQ(word(), "waking");
  world.ready(worker, 1);
  world.deploy("chat");
  EXPECT_EQ(word(), "draining");
  world.finish(CallId{2});
  EXPECT_EQ(word(), "ending");
}

}  // namespace
}  // namespace ebb::control
