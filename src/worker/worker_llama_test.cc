// The real ebb-worker-llama, confined and sealed, with the demo model. Skipped where the model was not fetched.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "worker/worker_loop.h"
#include "worker/worker_process.h"

namespace ebb::worker {
namespace {

using wire::FrameType;
namespace pb = wire::pb;

class LlamaWorker : public testing::Test {
 protected:
  void SetUp() override {
    if (::access(EBB_DEMO_MODEL, R_OK) != 0) GTEST_SKIP() << "no demo model at " EBB_DEMO_MODEL;
  }
};

TEST_F(LlamaWorker, AnswersSealedParksAndAnswersTheSame) {
  WorkerProcess worker(EBB_TEST_BIN "/ebb-worker-llama");
  EXPECT_EQ(worker.hello().engine(), "llama");
  worker.load("demo", 1, 256, Fd(::open(EBB_DEMO_MODEL, O_RDONLY | O_CLOEXEC)));
  worker.expect_ready(1);
  worker.execute(1, "Say hello.", {}, 6);
  const WorkerProcess::Answer first = worker.answer(1);
  ASSERT_EQ(first.last, FrameType::kFinished);
  EXPECT_FALSE(first.text.empty());
  EXPECT_EQ(first.finished.completion_tokens(), first.tokens);

  worker.say(FrameType::kPark, pb::Park{});
  EXPECT_EQ(worker.next().type, FrameType::kParked);
  pb::Unpark unpark;
  unpark.set_slots(2);
  worker.say(FrameType::kUnpark, unpark);
  worker.expect_ready(2);
  pb::Threads threads;  // a thread made behind the seal
  threads.set_threads(2);
  worker.say(FrameType::kThreads, threads);
  threads.set_threads(1);
  worker.say(FrameType::kThreads, threads);
  worker.execute(2, "Say hello.", {}, 6);
  EXPECT_EQ(worker.answer(2).text, first.text);
  worker.close();
  EXPECT_EQ(worker.exit_status(), 0);
}

TEST_F(LlamaWorker, HoldsACallBehindTheSeal) {
  WorkerProcess worker(EBB_TEST_BIN "/ebb-worker-llama");
  worker.load("demo", 1, 256, Fd(::open(EBB_DEMO_MODEL, O_RDONLY | O_CLOEXEC)));
  worker.expect_ready(1);
  worker.execute(1, "Say hello.", {}, 6);
  const std::string alone = worker.answer(1).text;
  pb::Threads threads;  // none: no step comes between
  worker.say(FrameType::kThreads, threads);
  worker.execute(2, "Say hello.", {}, 6);
  worker.say(FrameType::kHold, pb::Park{}, 2);
  worker.execute(3, "Why is the sky blue?", {}, 3);
  threads.set_threads(1);
  worker.say(FrameType::kThreads, threads);
  EXPECT_EQ(worker.answer(3).tokens, 3);
  worker.say(FrameType::kResume, pb::Park{}, 2);
  EXPECT_EQ(worker.answer(2).text, alone);
}

TEST_F(LlamaWorker, SaysWhyItCannotLoad) {
  WorkerProcess worker(EBB_TEST_BIN "/ebb-worker-llama");
  worker.load("demo", 1, 256, Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
  const wire::Frame frame = worker.next_news();
  ASSERT_EQ(frame.type, FrameType::kLoadFailed);
  pb::LoadFailed failed;
  ASSERT_TRUE(failed.ParseFromString(frame.body));
  EXPECT_FALSE(failed.message().empty());
  EXPECT_EQ(worker.exit_status(), kLoadFailedExit);
}

TEST_F(LlamaWorker, EndsWithoutADescriptor) {
  WorkerProcess worker(EBB_TEST_BIN "/ebb-worker-llama");
  worker.load("demo", 1, 256);
  EXPECT_EQ(worker.exit_status(), kProtocolExit);
}

}  // namespace
}  // namespace ebb::worker
