// Invocations through the worker: with AWS's own runtime client, and with a runtime that does all that one can do wrong.
#include "function/lambda_runtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/json.h"
#include "function/worker_for_test.h"
#include "worker/worker_loop.h"

namespace ebb::function {
namespace {

using domain::Contract;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Pair;

constexpr const char* kTestPython = EBB_SOURCE_DIR "/tests/.venv/bin/python";

class LambdaTest : public testing::Test, protected WorkerUnderTest {
 protected:
  void start(std::vector<std::string> arguments = {}) {
    load(function(Contract::kLambda, "lambda_runtime.py", std::move(arguments)), 1);
    ASSERT_TRUE(ready(1));
  }
  // AWS's runtime client with a handler of lambda_handlers.py.
  static domain::FunctionStart with_client(const std::string& handler) {
    auto start = function(Contract::kLambda, "");
    start.argv = {kTestPython, "-m", "awslambdaric", "lambda_handlers." + handler};
    start.env.emplace_back("PYTHONPATH=" EBB_SOURCE_DIR "/tests/functions");
    return start;
  }
  uint64_t begin(const std::string& event, domain::HttpHeaders headers = {}) {
    execute(++last_, {.method = "POST", .target = "/", .headers = std::move(headers), .has_body = true});
    send_body(last_, event);
    return last_;
  }
  Answer invoke(const std::string& event, domain::HttpHeaders headers = {}) { return answer(begin(event, std::move(headers))); }
  static std::string does(const std::string& what) { return R"({"do":")" + what + "\"}"; }
  static json::object object(const Answer& answer) {
    const auto value = parse_json(answer.body);
    return value && value->is_object() ? value->as_object() : json::object{{"no JSON object", answer.body}};
  }
  static std::string text_at(json::object values, std::string_view key) {
    const json::value& value = values[key];
    return value.is_string() ? std::string(value.as_string()) : json::serialize(value);
  }
  static void expect_error(const Answer& answer, const std::string& type, const std::string& message) {
    ASSERT_TRUE(answer.finished) << answer.refused->message;
    EXPECT_EQ(answer.head->status, 200);
    EXPECT_EQ(answer.header("X-Amz-Function-Error"), "Unhandled");
    EXPECT_EQ(text_at(object(answer), "errorType"), type);
    EXPECT_THAT(text_at(object(answer), "errorMessage"), HasSubstr(message));
  }
  uint64_t last_ = 0;
};

TEST_F(LambdaTest, TheResultPassesUnparsed) {
  start();
  const std::string event = R"({ "z": 1.000, "a" : 12345678901234567890 })";
  const Answer got = invoke(event);
  ASSERT_TRUE(got.finished) << got.refused->message;
  EXPECT_EQ(got.head->status, 200);
  EXPECT_EQ(got.header("Content-Type"), "application/json");
  EXPECT_EQ(got.header("X-Amz-Function-Error"), "");
  EXPECT_EQ(got.body, event);
}

TEST_F(LambdaTest, AnEmptyBodyIsAnEmptyObject) {
  start();
  EXPECT_EQ(invoke("").body, "{}");
  EXPECT_EQ(call(++last_, {.method = "POST", .target = "/"}).body, "{}");
}

TEST_F(LambdaTest, LargeEvents) {
  start();
  const std::string event = R"({"x":")" + std::string(5 << 20, 'x') + "\"}";
  EXPECT_EQ(invoke(event).body, event);
  for (const bool told : {true, false}) {
    execute(++last_,
            {.method = "POST", .target = "/", .headers = told ? domain::HttpHeaders{{"Content-Length", "6291457"}} : domain::HttpHeaders{}, .has_body = true});
    send_body(last_, std::string(6291457, 'x'));
    EXPECT_EQ(answer(last_).refused->kind, ErrorKind::kTooLarge);
    EXPECT_THAT(answer(last_).refused->message, HasSubstr("6 MiB"));
  }
  EXPECT_EQ(invoke("{}").body, "{}");
}

TEST_F(LambdaTest, HeadersOfAnInvocation) {
  start();
  const Answer got =
      invoke(does("headers"), {{"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, {"X-Amz-Client-Context", "eyJhIjoxfQ=="}});
  const json::object headers = object(got);
  EXPECT_THAT(text_at(headers, "Lambda-Runtime-Aws-Request-Id"), MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"));
  const int64_t now = io::SystemClock().wall().time_since_epoch().count();
  const int64_t deadline = std::stoll(text_at(headers, "Lambda-Runtime-Deadline-Ms"));
  EXPECT_GT(deadline, now);
  EXPECT_LE(deadline, now + 60'000);
  EXPECT_EQ(text_at(headers, "Lambda-Runtime-Invoked-Function-Arn"), "arn:aws:lambda:us-east-1:000000000000:function:resize");
  EXPECT_EQ(text_at(headers, "Lambda-Runtime-Trace-Id"), "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1");
  EXPECT_EQ(text_at(headers, "Lambda-Runtime-Client-Context"), R"({"a":1})");
  const Answer bad = invoke("{}", {{"X-Amz-Client-Context", "!"}});
  ASSERT_TRUE(bad.refused);
  EXPECT_EQ(bad.refused->param, "X-Amz-Client-Context");
}

TEST_F(LambdaTest, Errors) {
  start();
  expect_error(invoke(does("error")), "Luck", "no luck");
  expect_error(invoke(does("bad-error")), "Runtime.Unknown", "no JSON");
  EXPECT_EQ(invoke("{}").body, "{}");
}

TEST_F(LambdaTest, Streams) {
  start();
  const Answer plain = invoke(does("stream"));
  EXPECT_EQ(plain.body, "one two");
  EXPECT_EQ(plain.header("Content-Type"), "text/plain");
  EXPECT_TRUE(plain.finished);
  const Answer nothing = invoke(does("stream-nothing"));
  EXPECT_TRUE(nothing.finished);
  EXPECT_EQ(nothing.body, "");
  const Answer head = invoke(does("stream-head"));
  EXPECT_EQ(head.head->status, 201);
  EXPECT_THAT(head.head->headers, ElementsAre(Pair("Content-Type", "text/html"), Pair("Set-Cookie", "a=b")));
  EXPECT_EQ(head.body, "<p>");
  expect_error(invoke(does("stream-bad-head")), "Runtime.InvalidResponse", "before its head");
  const Answer late = invoke(does("stream-error"));
  EXPECT_EQ(late.body, "so far");
  EXPECT_THAT(late.trailers, ElementsAre(Pair("Lambda-Runtime-Function-Error-Type", "Function.Late"),
                                         Pair("Lambda-Runtime-Function-Error-Body", "eyJlcnJvck1lc3NhZ2UiOiJsYXRlIn0=")));
  EXPECT_TRUE(late.finished);
  const Answer broken = invoke(does("stream-break"));
  EXPECT_THAT(broken.body, testing::StartsWith("so far"));
  EXPECT_EQ(broken.refused->code, "function_broke_off");
  EXPECT_EQ(invoke("{}").body, "{}");
}

TEST_F(LambdaTest, ResultsThatAreNone) {
  start();
  expect_error(invoke(does("too-large")), "Function.ResponseSizeTooLarge", "6 MiB");
  EXPECT_EQ(invoke(does("seen")).body, "[413, 403]");
  expect_error(invoke(does("truncated")), "Runtime.TruncatedResponse", "broke off");
  EXPECT_EQ(invoke(does("seen")).body, "[413, 403, 400]");
}

TEST_F(LambdaTest, RequestsInTheWrongOrder) {
  start({"early"});
  EXPECT_EQ(invoke(does("wrong")).body, "\"right\"");
  EXPECT_EQ(invoke(does("seen")).body, "[403, 403, 400, 403, 400, 202, 403, 403, 404]");
}

TEST_F(LambdaTest, OneThatIsBusyAfterItsResponse) {
  start();
  const std::string gate = testing::TempDir() + "/gate" + std::to_string(::getpid());
  ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);
  EXPECT_EQ(invoke(R"({"do":"busy-after","gate":")" + gate + "\"}").body, "\"first\"");
  const uint64_t next = begin("{}");
  // It waits, and could still be tried elsewhere, until the runtime asks.
  EXPECT_FALSE(so_far(next).started);
  { const Fd open(::open(gate.c_str(), O_WRONLY | O_CLOEXEC)); }
  EXPECT_EQ(answer(next).body, "{}");
  ::unlink(gate.c_str());
}

TEST_F(LambdaTest, ParksBetweenInvocations) {
  start();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(invoke("{}").body, "{}");
    park();
    ASSERT_TRUE(parked());
    unpark(1);
    ASSERT_TRUE(ready(1));
  }
}

TEST_F(LambdaTest, ExitsDuringAnInvocation) {
  start();
  expect_error(invoke(R"({"do":"exit","status":3})"), "Runtime.ExitError", "Runtime exited with error: exit status 3");
  EXPECT_EQ(ended(), kFunctionEndedExit);
  EXPECT_THAT(log, ElementsAre("leaving", "the function ended: exit status 3"));
}

TEST_F(LambdaTest, ExitsWithoutAReason) {
  start();
  expect_error(invoke(R"({"do":"exit","status":0})"), "Runtime.ExitError", "without providing a reason");
  EXPECT_EQ(ended(), kFunctionEndedExit);
}

TEST_F(LambdaTest, ExitsInTheMiddleOfAStream) {
  start();
  const Answer got = invoke(does("stream-exit"));
  EXPECT_EQ(got.body, "so far");
  ASSERT_TRUE(got.refused);
  EXPECT_THAT(got.refused->code, testing::AnyOf("function_exited", "function_broke_off"));
  EXPECT_EQ(ended(), kFunctionEndedExit);
}

TEST_F(LambdaTest, RunsOutOfTime) {
  auto start = function(Contract::kLambda, "lambda_runtime.py");
  start.call_max = milliseconds(500);
  load(start, 1);
  ASSERT_TRUE(ready(1));
  expect_error(invoke(does("hang")), "Sandbox.Timedout", "Task timed out after 0.50 seconds");
  EXPECT_EQ(ended(), kFunctionEndedExit);
}

TEST_F(LambdaTest, ACancelledInvocationEndsTheFunction) {
  start();
  const uint64_t id = begin(does("hang"));
  ASSERT_TRUE(read_until([&] { return so_far(id).started; }));
  cancel(id);
  EXPECT_TRUE(answer(id).cancelled);
  EXPECT_EQ(ended(), kFunctionEndedExit);
}

TEST_F(LambdaTest, FailsToInitialise) {
  load(function(Contract::kLambda, "lambda_runtime.py", {"init-error"}), 1);
  EXPECT_EQ(ended(), worker::kLoadFailedExit);
  EXPECT_EQ(load_error(), "the function's initialisation failed: ImportError: no module");
}

TEST_F(LambdaTest, NeverAsks) {
  auto start = function(Contract::kLambda, "lambda_runtime.py", {"silent"});
  start.start_max = milliseconds(300);
  load(start, 1);
  EXPECT_EQ(ended(), worker::kLoadFailedExit);
  EXPECT_THAT(load_error(), HasSubstr("not ready within 300 ms: it has not asked for its first invocation"));
}

TEST_F(LambdaTest, OfAws) {
  load(with_client("hello"), 1);
  ASSERT_TRUE(ready(1));
  const Answer got = invoke(R"({"x":[1,2]})",
                            {{"X-Amz-Client-Context", "eyJjdXN0b20iOnsiYSI6MX19"}, {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}});
  const json::object result = object(got);
  EXPECT_EQ(text_at(result, "event"), R"({"x":[1,2]})");
  EXPECT_EQ(text_at(result, "function"), "resize");
  EXPECT_EQ(text_at(result, "memory"), "128");
  EXPECT_EQ(text_at(result, "client"), R"({"a":1})");
  EXPECT_THAT(text_at(result, "trace"), HasSubstr("Root=1-0af76519"));
  EXPECT_EQ(invoke("7").head->status, 200);
}

TEST_F(LambdaTest, OfAwsWhoseHandlerFails) {
  load(with_client("fails"), 1);
  ASSERT_TRUE(ready(1));
  expect_error(invoke("1"), "ValueError", "bad event 1");
  EXPECT_TRUE(logged("about to fail"));
  expect_error(invoke("2"), "ValueError", "bad event 2");
}

TEST_F(LambdaTest, OfAwsWhoseHandlerLeaves) {
  load(with_client("leaves"), 1);
  ASSERT_TRUE(ready(1));
  expect_error(invoke("1"), "Runtime.ExitError", "exit status 9");
}

TEST_F(LambdaTest, OfAwsWithoutItsHandler) {
  load(with_client("nobody"), 1);
  EXPECT_EQ(ended(), worker::kLoadFailedExit);
  EXPECT_THAT(load_error(), HasSubstr("Runtime.HandlerNotFound"));
}

}  // namespace
}  // namespace ebb::function
