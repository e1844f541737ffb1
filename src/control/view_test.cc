// What people see of the state, as summaries and as the whole in JSON.
#include "control/view.h"

#include <gtest/gtest.h>

#include "control/describe.h"
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
  world.feed(WorkerParked{worker});
  EXPECT_EQ(word(), "parked");
  world.call("chat");
  EXPECT_EQ(word(), "waking");
  world.ready(worker, 1);
  world.deploy("chat");
  EXPECT_EQ(word(), "draining");
  world.finish(CallId{2});
  EXPECT_EQ(word(), "ending");
}

TEST(Describe, NamesEveryPartOnce) {
  World world;
  world.deploy("chat", {.max = 1});
  const CallId runs = world.call("chat");
  const CallId waits = world.call("chat");
  world.ready(world.only_worker(), 1);
  const json::value all = describe(world.state);
  EXPECT_EQ(all.at("node").at("cores").to_number<int>(), 2);
  EXPECT_EQ(all.at("endpoints").at("chat").at("waiting").as_array().at(0).as_string(), to_hex(waits.value));
  const json::value& worker = all.at("workers").at(to_hex(world.only_worker().value));
  EXPECT_EQ(worker.at("state").as_string(), "ready");
  EXPECT_EQ(worker.at("running").as_array().at(0).as_string(), to_hex(runs.value));
  EXPECT_TRUE(all.at("calls").at(to_hex(waits.value)).at("worker").is_null());
  EXPECT_TRUE(all.at("calls").at(to_hex(runs.value)).at("deadline").is_null());
  EXPECT_EQ(describe(world.state), all) << "the same state, the same text";
  EXPECT_TRUE(parse_json(json::serialize(all)));
}

}  // namespace
}  // namespace ebb::control
