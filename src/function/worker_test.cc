// The life of a function's worker, in the server's words.
#include "function/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "function/worker_for_test.h"
#include "instance/egress_link.h"
#include "worker/worker_loop.h"

namespace ebb::function {
namespace {

using domain::Contract;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FunctionWorkerTest : public testing::Test, protected WorkerUnderTest {
 protected:
  static domain::FunctionStart server(std::vector<std::string> arguments = {}) {
    return function(Contract::kCloudRun, "http_function.py", std::move(arguments));
  }
  Answer get(uint64_t id, const std::string& target) { return call(id, {.method = "GET", .target = target}); }
};

TEST_F(FunctionWorkerTest, EndsWithTheChannel) {
  close();
  EXPECT_EQ(ended(), 0);
}

TEST_F(FunctionWorkerTest, RunsNothingBeforeItIsWoken) {
  load(server({"1"}), 0);
  ASSERT_TRUE(ready(0));
  park();
  ASSERT_TRUE(parked());
  EXPECT_THAT(log, IsEmpty());
  unpark(1);
  EXPECT_EQ(ended(), worker::kLoadFailedExit);
  EXPECT_THAT(load_error(), HasSubstr("exit status 1"));
  EXPECT_THAT(load_error(), HasSubstr("nothing to do"));
  EXPECT_THAT(log, ElementsAre("nothing to do"));
}

// It listens where the function is told, and it is not this worker that takes what comes.
TEST_F(FunctionWorkerTest, PassesOnTheSocketOfItsWayOut) {
  domain::FunctionStart start = server();
  start.egress = true;
  load(start, 0);
  ASSERT_TRUE(ready(0));
  ASSERT_EQ(attachments.size(), 1U);
  ASSERT_TRUE(instance::listens_on_loopback(attachments[0]));
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ASSERT_EQ(::getsockname(attachments[0].get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_TRUE(Fd(::accept4(attachments[0].get(), nullptr, nullptr, SOCK_CLOEXEC)));
}

TEST_F(FunctionWorkerTest, ParksAndWakes) {
  load(server(), 0);
  ASSERT_TRUE(ready(0));
  unpark(3);
  ASSERT_TRUE(ready(3));
  EXPECT_EQ(get(1, "/status?200").body, "body");
  for (uint64_t id = 2; id < 5; ++id) {
    park();
    ASSERT_TRUE(parked());
    unpark(2);
    ASSERT_TRUE(ready(2));
    EXPECT_EQ(get(id, "/status?200").body, "body");
  }
}

TEST_F(FunctionWorkerTest, TakesNoMoreThanItsSlots) {
  load(server(), 1);
  ASSERT_TRUE(ready(1));
  execute(1, {.method = "GET", .target = "/deaf"});
  const Answer second = get(2, "/status?200");
  ASSERT_TRUE(second.refused);
  EXPECT_EQ(second.refused->kind, ErrorKind::kOverloaded);
}

TEST_F(FunctionWorkerTest, GoesOnWhenTheServerWouldHoldACall) {
  load(server(), 2);
  ASSERT_TRUE(ready(2));
  execute(1, {.method = "GET", .target = "/deaf"});
  say(wire::FrameType::kHold, 1, {});
  say(wire::FrameType::kResume, 1, {});
  EXPECT_EQ(get(2, "/status?200").body, "body");
}

TEST_F(FunctionWorkerTest, ExitsBeforeItIsReady) {
  load(server({"0"}), 1);
  EXPECT_EQ(ended(), worker::kLoadFailedExit);
  EXPECT_THAT(load_error(), HasSubstr("ended before it was ready: exit status 0"));
}

TEST_F(FunctionWorkerTest, NeverListens) {
  auto start = server({"never"});
  start.start_max = milliseconds(300);
  load(start, 1);
  EXPECT_EQ(ended(), worker::kLoadFailedExit);
  EXPECT_THAT(load_error(), HasSubstr("not ready within 300 ms: it does not listen on port"));
}

TEST_F(FunctionWorkerTest, NeverAnswersItsHealthPath) {
  auto start = server({"deaf"});
  start.health_path = "/up";
  start.start_max = milliseconds(4'000);  // Python listens by then, on a busy machine too
  load(start, 1);
  EXPECT_EQ(ended(), worker::kLoadFailedExit);
  EXPECT_THAT(load_error(), HasSubstr("does not answer GET /up"));
}

TEST_F(FunctionWorkerTest, NoSuchProgram) {
  auto start = server();
  start.argv = {"/no/such/program"};
  load(start, 1);
  EXPECT_EQ(ended(), worker::kLoadFailedExit);
  EXPECT_THAT(load_error(), HasSubstr("/no/such/program: No such file"));
}

TEST_F(FunctionWorkerTest, LogsWhatTheFunctionSays) {
  load(server(), 1);
  ASSERT_TRUE(ready(1));
  execute(1, {.method = "POST", .target = "/say", .has_body = true});
  input(1, "one\ntwo \xff", true);
  EXPECT_EQ(answer(1).body, "said");
  EXPECT_TRUE(logged("two \xEF\xBF\xBD"));
  EXPECT_THAT(log, Contains("one"));
}

TEST_F(FunctionWorkerTest, AFunctionMaySayGoodbye) {
  load(server({"polite"}), 1);
  ASSERT_TRUE(ready(1));
  end(milliseconds(60'000));
  EXPECT_EQ(ended(), 0);
  EXPECT_THAT(log, ElementsAre("goodbye"));
}

TEST_F(FunctionWorkerTest, AFrozenFunctionIsWokenForItsGoodbye) {
  load(server({"polite"}), 1);
  ASSERT_TRUE(ready(1));
  park();
  ASSERT_TRUE(parked());
  end(milliseconds(60'000));
  unpark(1);  // said before the server knew
  EXPECT_EQ(ended(), 0);
  EXPECT_THAT(log, ElementsAre("goodbye"));
}

TEST_F(FunctionWorkerTest, AFunctionThatTakesNoNoticeIsEnded) {
  load(server({"stubborn"}), 1);
  ASSERT_TRUE(ready(1));
  end(milliseconds(50));
  EXPECT_EQ(ended(), 0);
  EXPECT_THAT(log, ElementsAre("the function did not end within 50 ms after SIGTERM: it is killed"));
}

TEST_F(FunctionWorkerTest, ALambdaFunctionIsNotTold) {
  load(function(Contract::kLambda, "lambda_runtime.py", {}), 1);
  ASSERT_TRUE(ready(1));
  end(milliseconds(60'000));
  EXPECT_EQ(ended(), 0);
  EXPECT_THAT(log, IsEmpty());
}

TEST_F(FunctionWorkerTest, WhatWasOnlyPreparedIsEndedAtOnce) {
  load(server({"polite"}), 0);
  ASSERT_TRUE(ready(0));
  end(milliseconds(60'000));
  EXPECT_EQ(ended(), 0);
}

class FunctionWorkerProtocol : public testing::TestWithParam<std::pair<wire::FrameType, uint64_t>> {};

TEST_P(FunctionWorkerProtocol, WhatDoesNotFitTheStateEndsIt) {
  WorkerUnderTest worker;
  worker.say(GetParam().first, GetParam().second, "x");
  EXPECT_EQ(worker.ended(), worker::kProtocolExit);
}

INSTANTIATE_TEST_SUITE_P(BeforeLoad, FunctionWorkerProtocol,
                         testing::Values(std::pair(wire::FrameType::kUnpark, 0), std::pair(wire::FrameType::kPark, 0), std::pair(wire::FrameType::kLoad, 0),
                                         std::pair(wire::FrameType::kExecute, 1), std::pair(wire::FrameType::kReady, 0)));

TEST_F(FunctionWorkerTest, MoreBodyThanTheWindowEndsIt) {
  load(server(), 1);
  ASSERT_TRUE(ready(1));
  execute(1, {.method = "POST", .target = "/asleep", .headers = {{"Content-Length", "100000000"}}, .has_body = true});
  const std::string piece(domain::kBodyPieceBytesMax, 'x');
  // More than all buffers on the way to a function that does not read.
  for (int i = 0; i < 1000 && try_input(1, piece, false); ++i) {
  }
  EXPECT_EQ(ended(), worker::kProtocolExit);
  EXPECT_THAT(log, Contains(HasSubstr("more of a body than the window allows")));
}

}  // namespace
}  // namespace ebb::function
