// What is said about a call, by what is known of it.
#include "gateway/call_story.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ebb::gateway {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr CallId kCall{7};
constexpr WorkerId kWorker{9};

invoke::DecisionView decided(uint64_t id, int64_t at_ms, CallId call, WorkerId worker, std::string_view what, std::string_view because,
                             control::Inputs inputs = {}) {
  return {.decision = {.id = DecisionId{id},
                       .at = MonoTime(milliseconds(at_ms)),
                       .call = call,
                       .worker = worker,
                       .what = what,
                       .because = because,
                       .inputs = std::move(inputs)},
          .at = {}};
}

// 84 ms in the queue, 80 of them for a start; the first piece after 216 ms, the end after 656.
domain::UsageRecord cold_call() {
  return {.call = kCall,
          .endpoint = "chat",
          .revision = RevisionId{1},
          .ended = WallTime(seconds(1'700'000'000) + milliseconds(656)),
          .tier = domain::Tier::kCold,
          .outcome = domain::Outcome::kOk,
          .queued = milliseconds(84),
          .start = milliseconds(80),
          .busy = milliseconds(570),
          .first_byte = milliseconds(216),
          .total = milliseconds(656),
          .billed_ms = 570,
          .memory_mib = 251,
          .cost = 2'567'488,
          .prompt_tokens = 40,
          .completion_tokens = 48};
}

invoke::CallView journal() {
  return {.endpoint = "chat",
          .decisions = {decided(3, 90'084, kCall, kWorker, "dispatch", "its worker became ready", {{"slots busy", control::Of{1, 4}}})},
          .of_endpoint = {decided(1, 30'000, {}, WorkerId{8}, "end", "it is not worth its memory"),
                          decided(2, 90'000, {}, kWorker, "start", "calls wait and no worker lives")}};
}

TEST(CallStory, ACallFromZero) {
  const CallStory told = tell(cold_call(), journal(), "USD");
  EXPECT_THAT(told.story, ElementsAre("It arrived at 2023-11-14T22:13:20.000Z at the endpoint 'chat' and ended 656 ms later: the whole answer was given.",
                                      "It waited 84 ms before it ran: there was no worker when it came.", "Of that, the worker took 80 ms to start.",
                                      "Worker 0000000000000009 served it and had 1 of 4 slots busy then.",
                                      "The first piece of its answer came 216 ms after its arrival.", "Its prompt had 40 tokens, its answer 48 tokens.",
                                      "Its share of its worker's time was 570 ms: 570 ms with 251 MiB were billed, 0.000002567488 USD."));
  EXPECT_THAT(
      told.why_not_faster,
      ElementsAre("440 ms of 656 ms (67 %) went into writing its answer, 109 tokens of it a second.",
                  "132 ms of 656 ms (20 %) passed between its slot and the first piece of its answer, 303 tokens of its prompt a second.",
                  "80 ms of 656 ms (12 %) went into starting a worker: the last one was gone since 60.0 s before, because it is not worth its memory. A "
                  "longer `keep` of the endpoint, or `provisioned: 1`, would have spared it."));
}

TEST(CallStory, TheRecordAloneIsEnough) {
  const CallStory told = tell(cold_call(), std::nullopt, "USD");
  EXPECT_EQ(told.story.size(), 6U);
  EXPECT_THAT(told.why_not_faster, Contains(HasSubstr("went into starting a worker. A longer `keep`")));
}

TEST(CallStory, WhatItWaitedFor) {
  domain::UsageRecord record = cold_call();
  record.start = nanoseconds{0};
  record.queued = milliseconds(400);
  record.tier = domain::Tier::kWarm;
  EXPECT_THAT(tell(record, std::nullopt, "USD").story, Contains("It waited 400 ms before it ran: every slot of the ready worker was taken when it came."));
  EXPECT_THAT(tell(record, std::nullopt, "USD").why_not_faster,
              Contains(HasSubstr("it waited until one of the calls before it left its slot. A larger `max`")));
  invoke::CallView view = journal();
  view.of_endpoint.push_back(decided(4, 89'900, {}, {}, "wait", "there is no memory for one slot, and no idle worker to give up",
                                     {{"needs", control::Bytes{300ULL << 20U}}, {"room", control::Bytes{0}}}));
  EXPECT_THAT(tell(record, view, "USD").why_not_faster, Contains(HasSubstr("no idle worker to give up (needs 300 MiB, room 0 MiB). More memory")));
  record.tier = domain::Tier::kParked;
  record.queued = record.start = milliseconds(200);
  EXPECT_THAT(tell(record, std::nullopt, "USD").why_not_faster, Contains(HasSubstr("went into waking its worker. A longer `idle`")));
}

TEST(CallStory, AWarmCallThatNothingHeldUp) {
  domain::UsageRecord record = cold_call();
  record.tier = domain::Tier::kWarm;
  record.queued = record.start = nanoseconds{0};
  record.first_byte = nanoseconds{0};
  record.total = microseconds(420);
  record.cost = 0;
  const CallStory told = tell(record, std::nullopt, "USD");
  EXPECT_THAT(told.story, Contains("It did not wait: a slot was free in a ready worker."));
  EXPECT_THAT(told.story, Contains(HasSubstr("cost nothing")));
  EXPECT_THAT(told.why_not_faster, ElementsAre("Nothing held it up: the whole call took 0.4 ms."));
}

TEST(CallStory, WhatWasDecidedAboutIt) {
  invoke::CallView view = journal();
  view.decisions.insert(view.decisions.begin(), decided(0, 90'050, kCall, WorkerId{8}, "retry", "its worker died before the first byte (it was killed)"));
  EXPECT_THAT(tell(cold_call(), view, "USD").story, Contains("It was tried again: its worker died before the first byte (it was killed)."));
  const CallStory refused =
      tell(std::nullopt, invoke::CallView{.endpoint = "chat", .decisions = {decided(1, 1, kCall, {}, "refuse", "200 calls wait")}}, "USD");
  EXPECT_THAT(refused.story, ElementsAre(StartsWith("It came to the endpoint 'chat' and was not taken"), "It was refused: 200 calls wait."));
  EXPECT_THAT(refused.why_not_faster, IsEmpty());
}

TEST(CallStory, OneThatIsNotOver) {
  invoke::CallView view = journal();
  view.state = "running";
  view.age = seconds(5);
  EXPECT_THAT(tell(std::nullopt, view, "USD").story,
              ElementsAre("It arrived 5000 ms ago at the endpoint 'chat' and is still running.", StartsWith("Worker 0000000000000009 served it")));
}

TEST(CallStory, TheStartOfAnInstanceIsNoCall) {
  domain::UsageRecord record = cold_call();
  record.tier = domain::Tier::kInit;
  EXPECT_THAT(tell(record, std::nullopt, "USD").story,
              ElementsAre(StartsWith("This is no call: it is the start of an instance of 'chat'"), HasSubstr("were billed")));
}

}  // namespace
}  // namespace ebb::gateway
