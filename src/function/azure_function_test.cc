// Azure's envelopes: their rows, and calls of a handler through the worker.
#include "function/azure_function.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "function/azure_envelope.h"
#include "function/worker_for_test.h"

namespace ebb::function {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(AzureRequest, IsAsThePageSays) {
  const domain::HttpRequest request{.method = "PUT", .target = "/api/x?q=1", .headers = {{"Accept", "a"}, {"Host", "h"}, {"Accept", "b"}}};
  const auto text = azure_request({.function = "x", .query = "q=1"}, request, "body", WallTime(milliseconds(1'700'000'000'123)), "id-1");
  ASSERT_TRUE(text);
  EXPECT_EQ(*text,
            R"({"Data":{"req":{"Url":"http://h/api/x?q=1","Method":"PUT","Query":"{\"q\":\"1\"}","Headers":{"Accept":["a","b"],"Host":["h"]},"Params":{},)"
            R"("Identities":[],"Body":"body"}},"Metadata":{"sys":{"MethodName":"x","UtcNow":"2023-11-14T22:13:20.123Z","RandGuid":"id-1"}}})");
  EXPECT_EQ(azure_request({}, request, "\xff", {}, "").error().kind, ErrorKind::kInvalid);
  const auto named = azure_request({.function = "x", .params = {{"id", "7"}}, .input = "in"}, {}, "", {}, "");
  ASSERT_TRUE(named);
  EXPECT_THAT(*named, HasSubstr(R"({"Data":{"in":{)"));
  EXPECT_THAT(*named, HasSubstr(R"("Params":{"id":"7"})"));
}

TEST(AzureAnswers, Rows) {
  struct Row {
    const char* text;
    int status;
    const char* body;
    const char* type = "";
  };
  const Row rows[] = {
      {R"({"Outputs":{"res":{"statusCode":201,"headers":{"Content-Type":"text/x"},"body":"hi"}},"Logs":null,"ReturnValue":null})", 201, "hi", "text/x"},
      {R"({"Outputs":{"res":{"statusCode":"404","body":{"a":1}}}})", 404, R"({"a":1})", "application/json"},
      {R"({"Outputs":{"res":"plain"}})", 200, "plain"},
      {R"({"ReturnValue":[1]})", 200, "[1]", "application/json"},
      {R"({"Outputs":{"queue":"x"},"Logs":["a"]})", 200, ""},
      {"{}", 200, ""},
  };
  for (const Row& row : rows) {
    const auto answer = azure_answer(row.text);
    ASSERT_TRUE(answer) << row.text << answer.error().message;
    EXPECT_EQ(answer->head.status, row.status) << row.text;
    EXPECT_EQ(answer->body, row.body) << row.text;
    const std::string* type = wire::find_header(answer->head.headers, "Content-Type");
    EXPECT_EQ(type == nullptr ? "" : *type, row.type) << row.text;
  }
  EXPECT_EQ(azure_answer(R"({"Outputs":{"out":"a","res":"b"}})", "out")->body, "a");
  EXPECT_EQ(azure_answer(R"({"ReturnValue":{"statusCode":201,"body":"c"}})", "$return")->head.status, 201);
  for (const char* bad : {"", "[]", R"({"Outputs":1})", R"({"Outputs":{"res":{"statusCode":1}}})", R"({"Outputs":{"res":{"statusCode":"x"}}})",
                          R"({"Outputs":{"res":{"headers":{"a b":"c"}}}})", R"({"Outputs":{"res":{"headers":{"a":"b\r\nc: d"}}}})",
                          R"({"Outputs":{"res":{"headers":{"a":null}}}})"})
    EXPECT_EQ(azure_answer(bad).error().code, "function_bad_answer") << bad;
}

class AzureTest : public testing::Test, protected WorkerUnderTest {
 protected:
  void start() {
    load(function(domain::Contract::kAzure, "azure_handler.py"), 1);
    ASSERT_TRUE(ready(1));
  }
  Answer post(const std::string& target, const std::string& body) {
    execute(++last_, {.method = "POST", .target = target, .headers = {{"X-Mine", "1"}}, .has_body = true});
    input(last_, body, true);
    return answer(last_);
  }
  uint64_t last_ = 0;
};

TEST_F(AzureTest, ACall) {
  start();
  const Answer got = post("/?a=b", "text");
  ASSERT_TRUE(got.finished) << got.refused->message;
  EXPECT_EQ(got.head->status, 201);
  EXPECT_EQ(got.body, R"(resize POST {"a":"b"} ["1"] text)");
  EXPECT_EQ(got.header("X-Handler"), "yes");
  EXPECT_THAT(log, ElementsAre("one line"));
}

TEST_F(AzureTest, Failures) {
  start();
  EXPECT_EQ(post("/fails", "").refused->code, "function_failed");
  EXPECT_THAT(post("/fails", "").refused->message, HasSubstr("status 500: no luck"));
  EXPECT_EQ(post("/garbage", "").refused->code, "function_bad_answer");
  EXPECT_EQ(post("/closes", "").refused->code, "function_closed");
  EXPECT_EQ(post("/", "\xff").refused->kind, ErrorKind::kInvalid);
  EXPECT_EQ(post("/", "still here").head->status, 201);
}

}  // namespace
}  // namespace ebb::function
