// The protocol of worker_loop.h, spoken with the real ebb-worker-echo over a socket pair.
#include <gtest/gtest.h>

#include "domain/limits.h"
#include "wire/frame.h"
#include "wire/worker.pb.h"
#include "worker/messages.h"
#include "worker/worker_loop.h"
#include "worker/worker_process.h"

namespace ebb::worker {
namespace {

using wire::Frame;
using wire::FrameType;
namespace pb = wire::pb;

struct EchoWorkerProcess : WorkerProcess {
  EchoWorkerProcess() : WorkerProcess(EBB_TEST_BIN "/ebb-worker-echo") {}
};

class EchoWorker : public testing::Test, protected EchoWorkerProcess {
 protected:
  void load(const std::string& name = "echo", int slots = 2, int64_t context = 1000) { WorkerProcess::load(name, slots, context); }
};

TEST_F(EchoWorker, AnswersACall) {
  load();
  expect_ready(2);
  execute(7, "one two three");
  const Answer got = answer(7);
  EXPECT_EQ(got.last, FrameType::kFinished);
  EXPECT_EQ(got.text, "one two three");
  EXPECT_EQ(got.tokens, 3);
  EXPECT_EQ(got.finished.reason(), pb::Finished::STOP);
  EXPECT_EQ(got.finished.prompt_tokens(), 3);
  EXPECT_EQ(got.finished.completion_tokens(), 3);
}

TEST_F(EchoWorker, EndsWithTheChannel) {
  load();
  expect_ready(2);
  close();
  EXPECT_EQ(exit_status(), 0);
}

TEST_F(EchoWorker, EndsWithTheChannelBeforeLoading) {
  close();
  EXPECT_EQ(exit_status(), 0);
}

TEST_F(EchoWorker, ParksAndWakes) {
  load("echo", 0);
  expect_ready(0);
  execute(1, "a");
  EXPECT_EQ(answer(1).last, FrameType::kRefused);
  pb::Unpark unpark;
  unpark.set_slots(3);
  say(FrameType::kUnpark, unpark);
  expect_ready(3);
  say(FrameType::kPark, pb::Park{});
  EXPECT_EQ(next().type, FrameType::kParked);
  say(FrameType::kUnpark, unpark);
  expect_ready(3);
  pb::Resize resize;
  resize.set_slots(1);
  say(FrameType::kResize, resize);
  expect_ready(1);
}

TEST_F(EchoWorker, CancelEndsACallThatWouldRunForLong) {
  load();
  expect_ready(2);
  execute(1, "a b", "tokens=900 tps=1");
  EXPECT_EQ(next().type, FrameType::kStarted);
  say(FrameType::kCancel, pb::Park{}, 1);
  const Answer got = answer(1);
  EXPECT_EQ(got.finished.reason(), pb::Finished::CANCELLED);
  EXPECT_EQ(got.finished.completion_tokens(), got.tokens);
  // A cancel that comes too late changes nothing.
  say(FrameType::kCancel, pb::Park{}, 1);
  execute(2, "still here");
  EXPECT_EQ(answer(2).text, "still here");
}

TEST_F(EchoWorker, AHeldCallWaitsWhileAnotherHasItsSlot) {
  load("echo", 1);
  expect_ready(1);
  execute(1, "a b c", "delay_ms=50 tps=20");
  EXPECT_EQ(next().type, FrameType::kStarted);
  say(FrameType::kHold, pb::Park{}, 1);
  say(FrameType::kHold, pb::Park{}, 77);  // it ended while this was under way
  execute(2, "d e", "delay_ms=300");
  EXPECT_EQ(answer(2).text, "d e") << "and nothing of the first meanwhile";
  say(FrameType::kResume, pb::Park{}, 77);
  say(FrameType::kResume, pb::Park{}, 1);
  EXPECT_EQ(answer(1).text, "a b c");
  execute(3, "a", "delay_ms=100000");
  EXPECT_EQ(next().type, FrameType::kStarted);
  say(FrameType::kHold, pb::Park{}, 3);
  say(FrameType::kCancel, pb::Park{}, 3);
  EXPECT_EQ(answer(3).finished.reason(), pb::Finished::CANCELLED);
  say(FrameType::kPark, pb::Park{});
  EXPECT_EQ(next().type, FrameType::kParked);
}

TEST_F(EchoWorker, PausedItTakesNoSteps) {
  load();
  expect_ready(2);
  say(FrameType::kThreads, pb::Threads{});
  execute(1, "a");
  say(FrameType::kCancel, pb::Park{}, 1);
  EXPECT_EQ(answer(1).finished.reason(), pb::Finished::CANCELLED);
  execute(2, "a");
  pb::Threads one;
  one.set_threads(1);
  say(FrameType::kThreads, one);
  EXPECT_EQ(answer(2).text, "a");
}

TEST_F(EchoWorker, RefusesACallAndGoesOn) {
  load("echo", 1, 2);
  expect_ready(1);
  execute(1, "too many words");
  const Frame frame = next();
  ASSERT_EQ(frame.type, FrameType::kRefused);
  pb::Refused refused;
  ASSERT_TRUE(refused.ParseFromString(frame.body));
  EXPECT_EQ(refused.kind(), "invalid");
  EXPECT_EQ(refused.param(), "messages");
  EXPECT_EQ(refused.code(), "context_length_exceeded");
  execute(2, "a");
  EXPECT_EQ(answer(2).text, "a");
}

TEST_F(EchoWorker, SaysWhyLoadingFailed) {
  load("echo:load_ms=1,load_fail");
  EXPECT_EQ(next().type, FrameType::kProgress);
  const Frame frame = next();
  ASSERT_EQ(frame.type, FrameType::kLoadFailed);
  pb::LoadFailed failed;
  ASSERT_TRUE(failed.ParseFromString(frame.body));
  EXPECT_NE(failed.message().find("told to fail"), std::string::npos);
  EXPECT_EQ(exit_status(), kLoadFailedExit);
}

TEST_F(EchoWorker, MisbehavesAsTold) {
  load();
  expect_ready(2);
  execute(1, "a b c", "garbage_at=2");
  EXPECT_EQ(answer(1).last, FrameType{}) << "bytes that are no frame";
}

TEST_F(EchoWorker, CrashesAsTold) {
  load();
  expect_ready(2);
  // Slow enough that no text waits for more.
  execute(1, "a b c", "crash_at=3 tps=100");
  EXPECT_EQ(answer(1).text, "a b");
  EXPECT_TRUE(WIFSIGNALED(ended()));
}

// These steps are short, so that other text would wait.
TEST_F(EchoWorker, TheFirstTextIsToldAtOnce) {
  load();
  expect_ready(2);
  execute(1, "a b c", "crash_at=2");
  EXPECT_EQ(answer(1).text, "a");
  EXPECT_TRUE(WIFSIGNALED(ended()));
}

TEST_F(EchoWorker, ExitsAsTold) {
  load();
  expect_ready(2);
  execute(1, "a", "exit_code=9");
  EXPECT_EQ(exit_status(), 9);
}

// Rows of what no server of ours says; each ends the worker.
TEST_F(EchoWorker, EndsOnGarbage) {
  load();
  expect_ready(2);
  write(std::string(64, '\xFF'));
  EXPECT_EQ(exit_status(), kProtocolExit);
}

TEST_F(EchoWorker, EndsOnAFrameBeforeLoad) {
  say(FrameType::kPark, pb::Park{});
  EXPECT_EQ(exit_status(), kProtocolExit);
}

TEST_F(EchoWorker, EndsOnASecondLoad) {
  load();
  expect_ready(2);
  load();
  EXPECT_EQ(exit_status(), kProtocolExit);
}

TEST_F(EchoWorker, EndsOnAnUnknownType) {
  load();
  expect_ready(2);
  write(wire::encode_frame(FrameType{999}, 0, ""));
  EXPECT_EQ(exit_status(), kProtocolExit);
}

TEST_F(EchoWorker, EndsOnABodyThatDoesNotParse) {
  load();
  expect_ready(2);
  write(wire::encode_frame(FrameType::kExecute, 1, "\xFF\xFF\xFF"));
  EXPECT_EQ(exit_status(), kProtocolExit);
}

TEST_F(EchoWorker, EndsOnACallThatRunsAlready) {
  load();
  expect_ready(2);
  execute(1, "a", "delay_ms=100000");
  execute(1, "a");
  EXPECT_EQ(exit_status(), kProtocolExit);
}

TEST_F(EchoWorker, EndsOnParkWhileACallRuns) {
  load();
  expect_ready(2);
  execute(1, "a", "delay_ms=100000");
  say(FrameType::kPark, pb::Park{});
  EXPECT_EQ(exit_status(), kProtocolExit);
}

// What a server of ours never says of a call that the worker has, however late a frame comes.
TEST_F(EchoWorker, EndsOnAHoldThatFitsNoCall) {
  struct Row {
    const char* what;
    std::vector<std::pair<FrameType, uint64_t>> said;  // after calls 1 and 2, in the only slot one after the other
    std::string body;                                  // of the last
  };
  const Row rows[] = {
      {"held twice", {{FrameType::kHold, 2}, {FrameType::kHold, 2}}},
      {"resumed without being held", {{FrameType::kResume, 2}}},
      {"resumed where no slot is free", {{FrameType::kResume, 1}}},
      {"parked while one is held", {{FrameType::kCancel, 2}, {FrameType::kPark, 0}}},
      {"executed while it is held", {{FrameType::kCancel, 2}, {FrameType::kExecute, 1}}, wire::encode_call(domain::Call{})},
      {"of no call", {{FrameType::kHold, 0}}},
      {"with a body", {{FrameType::kHold, 2}}, "x"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    EchoWorkerProcess worker;
    worker.load("echo", 1, 1000);
    worker.expect_ready(1);
    worker.execute(1, "a", "delay_ms=100000");
    worker.say(FrameType::kHold, pb::Park{}, 1);
    worker.execute(2, "a", "delay_ms=100000");
    for (const auto& [type, stream] : row.said)
      worker.write(wire::encode_frame(type, stream, &type == &row.said.back().first ? row.body : ""));
    EXPECT_EQ(worker.exit_status(), kProtocolExit);
  }
}

TEST_F(EchoWorker, EndsOnTooManySlots) {
  load("echo", domain::kSlotsPerWorkerMax + 1);
  EXPECT_EQ(exit_status(), kProtocolExit);
}

}  // namespace
}  // namespace ebb::worker
