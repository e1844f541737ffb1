// Classes and tenants through the whole core: who gets slots, who stands back for whom, who makes room.
#include <gtest/gtest.h>

#include "control/world_for_test.h"

namespace ebb::control {
namespace {

using enum domain::Priority;

// One endpoint whose worker has two slots and can have no more.
struct TwoSlots : World {
  TwoSlots() {
    deploy("chat", {.max = 2}, limits);
    first = call("chat");
    call("chat");
    ready(only_worker(), 2);
    finish(first);
    finish(CallId{2});
  }
  static constexpr domain::CallLimits limits{.queue = 4, .wait = seconds(30), .time = seconds(60)};
  CallId first;
};

TEST(Classes, ACriticalCallTakesTheSlotOfABatchCallWhichGoesOnLater) {
  TwoSlots w;
  const CallId a = w.call_as("chat", kBatch);
  w.pass(milliseconds(10));
  const CallId b = w.call_as("chat", kBatch);
  w.pass(milliseconds(10));
  const CallId urgent = w.call_as("chat", kCritical);
  EXPECT_EQ(w.held, std::vector{b}) << "the one that began last";
  EXPECT_TRUE(w.running.contains(urgent));
  w.pass(milliseconds(100));
  w.finish(urgent);
  EXPECT_EQ(w.resumed, std::vector{b});
  w.pass(milliseconds(10));
  w.finish(a);
  w.finish(b);
  EXPECT_EQ(w.records.at(b).outcome, domain::Outcome::kOk);
  EXPECT_EQ(w.records.at(b).busy, milliseconds(10)) << "5 before, 5 after, beside others; nothing while it was held";
  EXPECT_EQ(w.records.at(b).total, milliseconds(120));
}

TEST(Classes, TheWaitForASlotIsThatForCallsThatDoNotStandBack) {
  World w;
  w.deploy("chat", {.max = 1}, {.queue = 100, .wait = seconds(30)});
  w.call("chat");
  w.ready(w.only_worker(), 1);
  for (uint64_t id = 1; id < 20; ++id) {  // a call takes ten seconds
    w.pass(seconds(10));
    w.finish(CallId{id});
    w.call("chat");
  }
  const MonoTime in_twelve = w.now + seconds(12);
  const auto refused = [&](domain::Priority priority) {
    const CallId id{w.next_call++};
    w.feed(CallArrived{.call = id, .endpoint = "chat", .deadline = in_twelve, .wall = WallTime{}, .priority = priority});
    return w.errors.contains(id);
  };
  EXPECT_TRUE(refused(kCritical)) << "a normal call runs, and is half done on average";
  w.finish(CallId{20});
  w.call_as("chat", kBatch);
  EXPECT_FALSE(refused(kCritical)) << "the batch call stands back";
  EXPECT_TRUE(refused(kBatch));
}

TEST(Classes, NormalCallsDoNotStandBackForAnybody) {
  TwoSlots w;
  w.call_as("chat", kNormal);
  w.call_as("chat", kNormal);
  const CallId urgent = w.call_as("chat", kCritical);
  EXPECT_TRUE(w.held.empty());
  EXPECT_FALSE(w.running.contains(urgent));
  const CallId batch = w.call_as("chat", kBatch);
  const CallId normal = w.call_as("chat", kNormal);
  w.finish(CallId{3});
  EXPECT_TRUE(w.running.contains(urgent));
  w.finish(CallId{4});
  EXPECT_TRUE(w.running.contains(normal));
  w.finish(urgent);
  EXPECT_TRUE(w.running.contains(batch));
}

TEST(Classes, WhatWasHeldForAsLongAsACallMayWaitIsNotHeldAgain) {
  TwoSlots w;
  const CallId a = w.call_as("chat", kBatch);
  const CallId b = w.call_as("chat", kBatch);
  const CallId x = w.call_as("chat", kCritical);
  const CallId y = w.call_as("chat", kCritical);
  EXPECT_EQ(w.held, (std::vector{b, a}));
  w.pass(seconds(15));
  w.feed(WorkerProgress{w.only_worker()});
  w.pass(seconds(15));
  const CallId z = w.call_as("chat", kCritical);
  w.finish(x);
  EXPECT_EQ(w.resumed, std::vector{a}) << "the one that began first, although a critical call waits";
  w.finish(y);
  EXPECT_EQ(w.resumed, (std::vector{a, b}));
  EXPECT_FALSE(w.running.contains(z)) << "and neither stands back again";
  w.finish(a);
  EXPECT_TRUE(w.running.contains(z));
}

TEST(Classes, AHeldCallIsCancelledLikeAnyOther) {
  TwoSlots w;
  w.call_as("chat", kBatch);
  const CallId b = w.call_as("chat", kBatch);
  const CallId urgent = w.call_as("chat", kCritical);
  w.feed(CallLeft{b});
  EXPECT_EQ(w.cancels, std::vector{b});
  w.finish(urgent);
  EXPECT_TRUE(w.resumed.empty());
  w.finish(b, domain::Outcome::kLeft);
  EXPECT_EQ(w.records.at(b).outcome, domain::Outcome::kLeft);
}

TEST(Classes, AHeldCallWhoseWorkerDiesIsTriedAgainUnlessItGaveText) {
  for (const bool gave_text : {false, true}) {
    TwoSlots w;
    w.call_as("chat", kBatch);
    const CallId b = w.call_as("chat", kBatch);
    w.call_as("chat", kCritical);
    if (gave_text) w.feed(CallFirstText{b});
    w.die(w.only_worker());
    EXPECT_EQ(w.errors.contains(b), gave_text);
    w.ready(w.starts.back().worker, 2);
    EXPECT_EQ(w.running.contains(b), false) << "two others come before it";
    w.finish(CallId{3});
    EXPECT_EQ(w.running.contains(b), !gave_text);
  }
}

TEST(Classes, ADrainingWorkerLetsItsHeldCallsEnd) {
  TwoSlots w;
  const WorkerId old = w.only_worker();
  w.call_as("chat", kBatch);
  const CallId b = w.call_as("chat", kBatch);
  const CallId urgent = w.call_as("chat", kCritical);
  w.deploy("chat", {.max = 2});
  w.call_as("chat", kCritical);  // of the new revision: what waits for that one is nothing to the old worker
  w.finish(urgent);
  EXPECT_EQ(w.resumed, std::vector{b});
  w.finish(b);
  w.finish(CallId{3});
  EXPECT_EQ(w.kills, std::vector{old});
}

TEST(Classes, AFullQueueMakesRoomForAHigherClass) {
  TwoSlots w;
  for (int i = 0; i < 2; ++i)
    w.call_as("chat", kNormal);
  std::vector<CallId> waiting;
  for (int i = 0; i < 4; ++i)
    waiting.push_back(w.call_as("chat", kBatch));
  const CallId one_more = w.call_as("chat", kBatch);
  EXPECT_EQ(w.errors.at(one_more).kind, ErrorKind::kOverloaded);
  const CallId urgent = w.call_as("chat", kCritical);
  EXPECT_FALSE(w.errors.contains(urgent));
  EXPECT_EQ(w.errors.at(waiting.back()).kind, ErrorKind::kOverloaded);
  EXPECT_EQ(w.records.at(waiting.back()).outcome, domain::Outcome::kRefused);
  EXPECT_EQ(w.records.at(waiting.back()).cost, 0);
}

TEST(Classes, TheClassOfAnEndpointIsThatOfItsCalls) {
  TwoSlots w;
  w.deploy("bulk", {.max = 2}, {}, 100ULL << 20U, kBatch);
  w.call("bulk");
  w.call("bulk");
  w.ready(w.starts.back().worker, 2);
  EXPECT_TRUE(w.held.empty());
  w.call_as("bulk", kNormal);
  EXPECT_EQ(w.held.size(), 1U);
}

TEST(Tenants, ShareSlotsInTheLongRun) {
  TwoSlots w;
  w.deploy("wide", {.max = 2}, {.queue = 100});
  for (int i = 0; i < 20; ++i)
    w.call_as("wide", std::nullopt, "greedy");
  w.ready(w.starts.back().worker, 2);
  for (int i = 0; i < 4; ++i)
    w.call_as("wide", std::nullopt, "modest");
  int modest = 0;
  const size_t first = w.dispatches.size() - 2;
  for (size_t i = first; i < first + 10; ++i)
    w.finish(w.dispatches[i].call);
  for (const auto& [id, record] : w.records)
    modest += w.tenant_of[id] == "modest" ? 1 : 0;
  EXPECT_GE(modest, 3) << "not behind all twenty of the other";
}

TEST(Overload, CallsThatWereLateLowerHowManyRunAtOnce) {
  World w;
  w.deploy("chat", {.max = 8}, {.queue = 100, .wait = seconds(30), .time = seconds(5)});
  for (int i = 0; i < 8; ++i)
    w.call("chat");
  const WorkerId worker = w.only_worker();
  w.ready(worker, 8);
  while (w.running.size() < 8)
    w.ready(worker, 8);
  w.pass(milliseconds(1'000));
  w.finish(CallId{1});
  w.call("chat");
  w.pass(milliseconds(4'000));  // seven are cut off
  EXPECT_EQ(w.state.workers.at(worker).at_once.most, 7);
}

TEST(Overload, WhatCannotBeDoneInTimeIsNotBegun) {
  World w;
  w.deploy("chat", {.max = 1}, {.queue = 100});
  w.call("chat");
  w.ready(w.only_worker(), 1);
  for (uint64_t id = 1; id < 40; ++id) {  // a call takes a second
    w.pass(seconds(1));
    w.finish(CallId{id});
    w.call("chat");
  }
  w.pass(milliseconds(500));
  const CallId waits = w.call("chat", w.now + milliseconds(1'600));  // half a second to wait, a second to run
  EXPECT_FALSE(w.errors.contains(waits));
  const CallId hopeless = w.call("chat", w.now + milliseconds(900));
  EXPECT_EQ(w.errors.at(hopeless).kind, ErrorKind::kOverloaded);
  w.pass(milliseconds(900));  // the one before it takes longer than expected
  w.finish(CallId{40});
  EXPECT_EQ(w.errors.at(waits).kind, ErrorKind::kOverloaded) << "a second is not left";
  EXPECT_EQ(w.records.at(waits).busy, nanoseconds(0));
}

}  // namespace
}  // namespace ebb::control
