// Calls of functions that are servers of HTTP, through the worker: what passes, what streams, and what bad answers become.
#include "function/http_function.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "function/worker_for_test.h"
#include "worker/worker_loop.h"

namespace ebb::function {
namespace {

using domain::Contract;
using domain::HttpRequest;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

class HttpFunctionTest : public testing::Test, protected WorkerUnderTest {
 protected:
  explicit HttpFunctionTest(uint64_t answer_bytes_max = domain::kFunctionAnswerBytesMax) : WorkerUnderTest(answer_bytes_max) {}
  void start(Contract contract = Contract::kCloudRun) {
    const int slots = std::min(2, domain::contract_defaults(contract).concurrency);
    load(function(contract, "http_function.py"), slots);
    ASSERT_TRUE(ready(slots));
  }
  Answer get(const std::string& target, domain::HttpHeaders headers = {}) {
    return call(++last_, {.method = "GET", .target = target, .headers = std::move(headers)});
  }
  uint64_t post(const std::string& target, domain::HttpHeaders headers = {}) {
    execute(++last_, {.method = "POST", .target = target, .headers = std::move(headers), .has_body = true});
    return last_;
  }
  uint64_t last_ = 0;
};

TEST_F(HttpFunctionTest, AnswersACall) {
  start();
  const Answer got = get("/head?q=1", {{"X-Mine", "yes"}, {"Host", "resize.example"}});
  ASSERT_TRUE(got.finished) << got.refused->message;
  EXPECT_TRUE(got.started);
  EXPECT_EQ(got.head->status, 200);
  EXPECT_EQ(got.body, "GET /head?q=1\nhost: resize.example\nx-mine: yes");
}

TEST_F(HttpFunctionTest, EveryMethodPasses) {
  start();
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"})
    EXPECT_THAT(call(++last_, {.method = method, .target = "/head"}).body, testing::StartsWith(std::string(method) + " /head"));
  const Answer head = call(++last_, {.method = "HEAD", .target = "/head"});
  EXPECT_EQ(head.head->status, 200);
  EXPECT_NE(head.header("Content-Length"), "");
  EXPECT_EQ(head.body, "");
  // What follows on the same connection is read from its start.
  EXPECT_EQ(get("/status?201").body, "body");
}

TEST_F(HttpFunctionTest, OneConnectionServesCallsThatFollow) {
  start();
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(get("/status?200").body, "body");
  EXPECT_EQ(connections(), 1);
  // One that was closed meanwhile is not used.
  EXPECT_EQ(get("/close-after").body, "bye");
  EXPECT_EQ(get("/status?200").body, "body");
}

TEST_F(HttpFunctionTest, CallsRunAtOnce) {
  start();
  const uint64_t first = post("/both");
  const uint64_t second = post("/both");
  input(second, "b", false);
  ASSERT_TRUE(read_until([&] { return so_far(second).body == "b"; }));
  input(first, "a", true);
  EXPECT_EQ(answer(first).body, "a");
  input(second, "c", true);
  EXPECT_EQ(answer(second).body, "bc");
}

TEST_F(HttpFunctionTest, ConnectionsAreKeptWhileOtherCallsWait) {
  start();
  for (int i = 0; i < 10; ++i) {
    const uint64_t waits = post("/both");
    EXPECT_EQ(get("/status?200").body, "body");
    input(waits, "a", true);
    EXPECT_EQ(answer(waits).body, "a");
  }
  EXPECT_EQ(connections(), 2);
}

TEST_F(HttpFunctionTest, ServersOfOneConnectionAtATimeServeAll) {
  load(function(Contract::kCloudRun, "http_function.py", {"serial"}), 2);
  ASSERT_TRUE(ready(2));
  // Each answer leaves a connection, which nobody but its next call could be served on.
  for (int i = 0; i < 3; ++i) {
    const uint64_t first = post("/echo");
    const uint64_t second = post("/echo");
    send_body(first, "first");
    send_body(second, "second");
    EXPECT_EQ(answer(first).body, "first");
    EXPECT_EQ(answer(second).body, "second");
  }
}

TEST_F(HttpFunctionTest, AFailedCallLeavesNoConnection) {
  start();
  EXPECT_TRUE(get("/close-mid-body").refused);
  EXPECT_EQ(get("/status?200").body, "body");
  EXPECT_EQ(connections(), 2);
}

TEST_F(HttpFunctionTest, Statuses) {
  start();
  for (const int status : {200, 204, 304, 404, 500, 599}) {
    const Answer got = get("/status?" + std::to_string(status));
    ASSERT_TRUE(got.head) << status;
    EXPECT_EQ(got.head->status, status);
    EXPECT_EQ(got.body, status == 204 || status == 304 ? "" : "body");
  }
  EXPECT_EQ(connections(), 1);
}

TEST_F(HttpFunctionTest, HeadersOfOneHopStay) {
  start();
  const Answer got = get("/hop");
  EXPECT_THAT(got.head->headers, ElementsAre(Pair("Content-Length", "1"), Pair("X-End", "2"), Pair("Set-Cookie", "a"), Pair("Set-Cookie", "b")));
}

TEST_F(HttpFunctionTest, BodiesWithALength) {
  start();
  const std::string body(1'000'000, 'x');
  const uint64_t id = post("/echo", {{"Content-Length", std::to_string(body.size())}, {"Content-Type", "text/x"}});
  send_body(id, body);
  const Answer& got = answer(id);
  ASSERT_TRUE(got.finished) << got.refused->message;
  EXPECT_EQ(got.body, body);
  EXPECT_EQ(got.header("Content-Type"), "text/x");
  EXPECT_EQ(got.taken, body.size());
}

TEST_F(HttpFunctionTest, BodiesInChunks) {
  start();
  const uint64_t id = post("/echo");
  input(id, "one ", false);
  input(id, "", false);
  input(id, "two", true);
  EXPECT_EQ(answer(id).body, "one two");
  const uint64_t empty = post("/echo");
  input(empty, "", true);
  EXPECT_EQ(answer(empty).body, "");
  EXPECT_EQ(connections(), 1);
}

TEST_F(HttpFunctionTest, BothBodiesFlowAtOnce) {
  start();
  const uint64_t id = post("/both");
  for (const char* word : {"ping", "pong", "ping"}) {
    input(id, word, false);
    // It has answered this piece before it is given the next.
    ASSERT_TRUE(read_until([&] { return so_far(id).ended() || so_far(id).body.ends_with(word); }));
  }
  input(id, "", true);
  EXPECT_EQ(answer(id).body, "pingpongping");
}

TEST_F(HttpFunctionTest, AnAnswerMayComeBeforeTheBodyWasRead) {
  start();
  const uint64_t id = post("/early");
  input(id, "never read", false);
  const Answer& got = answer(id);
  ASSERT_TRUE(got.finished) << got.refused->message;
  EXPECT_EQ(got.head->status, 413);
  EXPECT_EQ(got.body, "enough");
  input(id, "too late", true);
  EXPECT_EQ(get("/status?200").body, "body");
}

TEST_F(HttpFunctionTest, ABodyThatDisagreesWithItsLength) {
  start();
  for (const char* body : {"four", "sixsix"}) {
    const uint64_t id = post("/echo", {{"Content-Length", "5"}});
    input(id, body, true);
    const Answer& got = answer(id);
    ASSERT_TRUE(got.refused);
    EXPECT_EQ(got.refused->kind, ErrorKind::kInvalid);
    EXPECT_EQ(got.refused->param, "Content-Length");
  }
}

TEST_F(HttpFunctionTest, TrailersPass) {
  start();
  const Answer got = get("/trailers");
  EXPECT_EQ(got.body, "abc");
  EXPECT_THAT(got.trailers, ElementsAre(Pair("X-Sum", "3")));
  EXPECT_THAT(got.head->headers, Not(Contains(Pair("X-Sum", "3"))));
}

TEST_F(HttpFunctionTest, EachFlushOfEventsPassesAtOnce) {
  start();
  const uint64_t id = ++last_;
  const std::string gate = testing::TempDir() + "/gate" + std::to_string(::getpid());
  ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);
  execute(id, {.method = "GET", .target = "/events", .headers = {{"X-Wait", gate}}});
  for (const char* event : {"data: 0\n\n", "data: 1\n\n", "data: 2\n\n"}) {
    ASSERT_TRUE(read_until([&] { return so_far(id).ended() || so_far(id).body.ends_with(event); }));
    // Only now it goes on.
    const Fd open(::open(gate.c_str(), O_WRONLY | O_CLOEXEC));
  }
  EXPECT_EQ(answer(id).body, "data: 0\n\ndata: 1\n\ndata: 2\n\n");
  ::unlink(gate.c_str());
}

TEST_F(HttpFunctionTest, ABodyMayEndWithItsConnection) {
  start();
  const Answer got = get("/until-close");
  ASSERT_TRUE(got.finished) << got.refused->message;
  EXPECT_EQ(got.body, "to the end");
}

TEST_F(HttpFunctionTest, InterimHeadsAreDropped) {
  start();
  const Answer got = get("/interim");
  EXPECT_EQ(got.head->status, 200);
  EXPECT_EQ(got.body, "at last");
}

TEST_F(HttpFunctionTest, AnAnswerWaitsForItsReader) {
  start();
  gives_credit = false;
  const uint64_t id = ++last_;
  execute(id, {.method = "GET", .target = "/endless"});
  ASSERT_TRUE(read_until([&] { return so_far(id).body.size() == domain::kBodyWindowBytes; }));
  // Another is served meanwhile.
  EXPECT_EQ(get("/status?200").body, "body");
  EXPECT_EQ(so_far(id).body.size(), domain::kBodyWindowBytes);
  credit(id, 10);
  ASSERT_TRUE(read_until([&] { return so_far(id).body.size() == domain::kBodyWindowBytes + 10; }));
  cancel(id);
  EXPECT_TRUE(answer(id).cancelled);
}

TEST_F(HttpFunctionTest, CancelEndsAtOnce) {
  start();
  const uint64_t id = post("/deaf");
  input(id, "x", true);
  ASSERT_TRUE(read_until([&] { return so_far(id).started; }));
  cancel(id);
  EXPECT_TRUE(answer(id).cancelled);
  cancel(id);
  EXPECT_EQ(get("/status?200").body, "body");
}

TEST_F(HttpFunctionTest, BadAnswers) {
  start();
  struct Row {
    const char* path;
    const char* code;
    const char* says;
    bool after_head = false;
  };
  const Row rows[] = {
      {"/garbage", "function_bad_answer", "no HTTP"},
      {"/two-lengths", "function_bad_answer", "no HTTP"},
      {"/long-head", "function_bad_answer", "larger than 32 KiB"},
      {"/many-headers", "function_bad_answer", "more than 256 headers"},
      {"/interim-for-ever", "function_bad_answer", "1xx"},
      {"/switch", "function_bad_answer", "another protocol"},
      {"/status?600", "function_bad_answer", "status is 600"},
      {"/close", "function_closed", "without an answer"},
      {"/close-mid-body", "function_broke_off", "in the middle", true},
      {"/bad-chunk", "function_bad_answer", "in its body", true},
      {"/two-gigabytes", "answer_too_large", "larger"},
  };
  for (const Row& row : rows) {
    const Answer got = get(row.path);
    ASSERT_TRUE(got.refused) << row.path;
    EXPECT_EQ(got.refused->code, row.code) << row.path;
    EXPECT_THAT(got.refused->message, HasSubstr(row.says)) << row.path;
    EXPECT_EQ(got.head.has_value(), row.after_head) << row.path;
  }
  EXPECT_EQ(get("/status?200").body, "body");
}

class SmallAnswers : public HttpFunctionTest {
 protected:
  SmallAnswers() : HttpFunctionTest(1'000'000) {}
};

TEST_F(SmallAnswers, WhatGoesOnIsCut) {
  start();
  const Answer got = get("/endless");
  ASSERT_TRUE(got.refused);
  EXPECT_EQ(got.refused->kind, ErrorKind::kFunction);
  EXPECT_EQ(got.refused->code, "answer_too_large");
  EXPECT_LE(got.body.size(), 1'000'000U);
  EXPECT_EQ(get("/status?200").body, "body");
}

TEST_F(HttpFunctionTest, OutOfTime) {
  auto slow = function(Contract::kCloudRun, "http_function.py");
  slow.call_max = milliseconds(200);
  load(slow, 2);
  ASSERT_TRUE(ready(2));
  const Answer got = get("/deaf");
  ASSERT_TRUE(got.refused);
  EXPECT_EQ(got.refused->kind, ErrorKind::kTimeout);
  EXPECT_EQ(got.refused->code, "function_timeout");
}

TEST_F(HttpFunctionTest, ItsEndEndsItsCalls) {
  start();
  const uint64_t waiting = post("/deaf");
  input(waiting, "", true);
  ASSERT_TRUE(read_until([&] { return so_far(waiting).started; }));
  const Answer got = get("/exit");
  for (const Answer& one : {got, answer(waiting)}) {
    ASSERT_TRUE(one.refused);
    EXPECT_EQ(one.refused->code, "function_exited");
    EXPECT_THAT(one.refused->message, HasSubstr("exit status 7"));
  }
  EXPECT_EQ(ended(), kFunctionEndedExit);
  EXPECT_THAT(log, ElementsAre("about to go", "the function ended: exit status 7"));
}

TEST_F(HttpFunctionTest, ItsEndInTheMiddleOfAnAnswer) {
  start();
  const Answer got = get("/exit-mid-body");
  EXPECT_EQ(got.body, "abc");
  ASSERT_TRUE(got.refused);
  EXPECT_EQ(got.refused->code, "function_exited");
}

TEST_F(HttpFunctionTest, UpgradesAreRefused) {
  start();
  const Answer got = get("/echo", {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}});
  ASSERT_TRUE(got.refused);
  EXPECT_EQ(got.refused->code, "upgrade_not_supported");
  EXPECT_FALSE(got.started);
}

TEST_F(HttpFunctionTest, SageMaker) {
  start(Contract::kSageMaker);
  const uint64_t id = post("/", {{"Content-Type", "text/csv"}, {"X-Amzn-SageMaker-Custom-Attributes", "trace=1"}});
  input(id, "1,2", true);
  EXPECT_EQ(answer(id).body, "/invocations 1,2");
  EXPECT_EQ(answer(id).header("X-Amzn-SageMaker-Custom-Attributes"), "trace=1");
  EXPECT_EQ(get("/").refused->code, "no_such_call");
}

TEST_F(HttpFunctionTest, Vertex) {
  auto start = function(Contract::kKserve, "http_function.py");
  start.env.insert(start.env.end(), {"AIP_HEALTH_ROUTE=/health", "AIP_PREDICT_ROUTE=/predict"});
  load(start, 2);
  ASSERT_TRUE(ready(2));
  const uint64_t id = post("/");
  input(id, "{}", true);
  EXPECT_EQ(answer(id).body, "/predict {}");
}

TEST_F(HttpFunctionTest, NotHealthyInTime) {
  auto start = function(Contract::kSageMaker, "http_function.py");
  start.env.emplace_back("HEALTH=503");
  start.start_max = milliseconds(3000);
  load(start, 1);
  EXPECT_EQ(ended(), worker::kLoadFailedExit);
  EXPECT_THAT(load_error(), HasSubstr("answers GET /ping with 503 instead of 200"));
}

TEST_F(HttpFunctionTest, AnAzureHandlerThatIsProxied) {
  auto start = function(Contract::kAzure, "http_function.py");
  start.forwards = true;
  load(start, 1);
  ASSERT_TRUE(ready(1));
  EXPECT_EQ(get("/?a=1").body, "/api/resize?a=1");
}

}  // namespace
}  // namespace ebb::function
