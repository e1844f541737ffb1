// Rows: what the dialect accepts, what it refuses and which field it blames, what it passes over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/limits.h"
#include "wire/openai.h"

namespace ebb::wire {
namespace {

// A request that is fine, with fields added or replaced.
std::string with(const std::string& fields) {
  return R"({"model":"chat","messages":[{"role":"user","content":"hi"}])" + (fields.empty() ? "" : "," + fields) + "}";
}
std::string message(const std::string& body) { return R"({"model":"chat","messages":[)" + body + "]}"; }

TEST(ChatRequest, ReadsEverythingThatItHonours) {
  const auto request = parse_chat(R"({"model":"chat","messages":[{"role":"developer","content":"be brief"},
      {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"name":"joe"},{"role":"assistant","content":"c"}],
      "max_completion_tokens":5,"temperature":0,"top_p":0.5,"stop":["x","y"],"seed":-7,"stream":true,"stream_options":{"include_usage":true}})");
  ASSERT_TRUE(request) << request.error().message;
  domain::Call expected;
  expected.endpoint = "chat";
  expected.messages = {{"developer", "be brief"}, {"user", "ab"}, {"assistant", "c"}};
  expected.sampling.max_tokens = 5;
  expected.sampling.temperature = 0;
  expected.sampling.top_p = 0.5;
  expected.sampling.seed = -7;
  expected.sampling.stop = {"x", "y"};
  EXPECT_EQ(request->call, expected);
  EXPECT_TRUE(request->stream);
  EXPECT_TRUE(request->include_usage);
  EXPECT_TRUE(request->ignored.empty());
}

TEST(ChatRequest, NullMeansDefault) {
  const auto request =
      parse_chat(with(R"("max_tokens":null,"temperature":null,"top_p":null,"stop":null,"seed":null,"stream":null,"n":null,"tools":null,"logprobs":null)"));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->call.sampling, domain::Sampling{});
}

TEST(ChatRequest, AcceptsWhatAsksForNothing) {
  for (const char* fields :
       {R"("user":"u","metadata":{"a":"b"},"safety_identifier":"s","prompt_cache_key":"k","parallel_tool_calls":false)",
        R"("n":1,"tools":[],"tool_choice":"auto")", R"("tool_choice":"none","functions":[],"function_call":"none")",
        R"("response_format":{"type":"text"},"modalities":["text"])", R"("presence_penalty":0,"frequency_penalty":0.0,"logit_bias":{},"logprobs":false)",
        R"("stop":"x")", R"("stop":[])", R"("max_tokens":3,"max_completion_tokens":3)", R"("max_tokens":3.0)", R"("temperature":2)", R"("top_p":0)"}) {
    const auto request = parse_chat(with(fields));
    ASSERT_TRUE(request) << fields << ": " << request.error().message;
    EXPECT_TRUE(request->ignored.empty()) << fields;
  }
}

TEST(ChatRequest, TellsWhatItPassesOver) {
  const auto request = parse_chat(with(R"("top_k":40,"reasoning_effort":"low","store":true,"bad name\r\n":1,"min_p":null)"));
  ASSERT_TRUE(request);
  EXPECT_THAT(request->ignored, testing::ElementsAre("top_k", "reasoning_effort", "store"));
  std::string many;
  for (int i = 0; i < 100; ++i)
    many += (i == 0 ? "\"x" : ",\"x") + std::to_string(i) + "\":1";
  EXPECT_EQ(parse_chat(with(many))->ignored.size(), kIgnoredMax);
}

TEST(ChatRequest, RefusesByNameWhatWouldHaveAnEffect) {
  const std::pair<const char*, const char*> rows[] = {
      {R"("tools":[{"type":"function"}])", "tools"},
      {R"("tool_choice":"required")", "tool_choice"},
      {R"("tool_choice":{"type":"function"})", "tool_choice"},
      {R"("functions":[{"name":"f"}])", "functions"},
      {R"("function_call":{"name":"f"})", "function_call"},
      {R"("response_format":{"type":"json_object"})", "response_format"},
      {R"("response_format":{})", "response_format"},
      {R"("response_format":"text")", "response_format"},
      {R"("logprobs":true)", "logprobs"},
      {R"("top_logprobs":2)", "top_logprobs"},
      {R"("logit_bias":{"5":1})", "logit_bias"},
      {R"("presence_penalty":0.1)", "presence_penalty"},
      {R"("frequency_penalty":-1)", "frequency_penalty"},
      {R"("frequency_penalty":"0")", "frequency_penalty"},
      {R"("n":2)", "n"},
      {R"("modalities":["text","audio"])", "modalities"},
      {R"("audio":{"voice":"x"})", "audio"},
      {R"("prediction":{"type":"content"})", "prediction"},
      {R"("web_search_options":{})", "web_search_options"},
  };
  for (const auto& [fields, param] : rows) {
    const auto request = parse_chat(with(fields));
    ASSERT_FALSE(request) << fields;
    EXPECT_EQ(request.error().param, param) << fields;
    EXPECT_EQ(request.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(request.error().message, testing::HasSubstr("not supported")) << fields;
  }
}

TEST(ChatRequest, BlamesTheField) {
  const std::pair<std::string, const char*> rows[] = {
      {"[]", ""},
      {"3", ""},
      {"{}", "model"},
      {R"({"model":7})", "model"},
      {R"({"model":"","messages":[]})", "model"},
      {R"({"model":"chat"})", "messages"},
      {R"({"model":"chat","messages":{}})", "messages"},
      {R"({"model":"chat","messages":[]})", "messages"},
      {message("7"), "messages[0]"},
      {message("{}"), "messages[0].role"},
      {message(R"({"role":"robot","content":"x"})"), "messages[0].role"},
      {message(R"({"role":"tool","content":"x","tool_call_id":"1"})"), "messages[0].role"},
      {message(R"({"role":"user"})"), "messages[0].content"},
      {message(R"({"role":"user","content":null})"), "messages[0].content"},
      {message(R"({"role":"user","content":3})"), "messages[0].content"},
      {message(R"({"role":"user","content":"a\u0000b"})"), "messages[0].content"},
      {message(R"({"role":"user","content":"x"},{"role":"user","content":["x"]})"), "messages[1].content[0]"},
      {message(R"({"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"u"}}]})"), "messages[0].content[1].type"},
      {message(R"({"role":"user","content":[{"type":"text"}]})"), "messages[0].content[0].text"},
      {message(R"({"role":"user","content":[{"type":"text","text":1}]})"), "messages[0].content[0].text"},
      {message(R"({"role":"assistant","content":"x","tool_calls":[{"id":"1"}]})"), "messages[0].tool_calls"},
      {message(R"({"role":"user","content":"x","name":4})"), "messages[0].name"},
      {with(R"("max_tokens":0)"), "max_tokens"},
      {with(R"("max_tokens":-1)"), "max_tokens"},
      {with(R"("max_tokens":1.5)"), "max_tokens"},
      {with(R"("max_tokens":"5")"), "max_tokens"},
      {with(R"("max_tokens":99999999999999999999)"), "max_tokens"},
      {with(R"("max_tokens":)" + std::to_string(domain::kContextTokensMax + 1)), "max_tokens"},
      {with(R"("max_tokens":3,"max_completion_tokens":4)"), "max_tokens"},
      {with(R"("temperature":-0.1)"), "temperature"},
      {with(R"("temperature":2.01)"), "temperature"},
      {with(R"("temperature":1e999)"), "temperature"},
      {with(R"("temperature":true)"), "temperature"},
      {with(R"("top_p":1.1)"), "top_p"},
      {with(R"("seed":1.5)"), "seed"},
      {with(R"("seed":9223372036854775808)"), "seed"},
      {with(R"("n":0)"), "n"},
      {with(R"("n":1000000)"), "n"},
      {with(R"("stop":5)"), "stop"},
      {with(R"("stop":"")"), "stop"},
      {with(R"("stop":["a","b","c","d","e"])"), "stop"},
      {with(R"("stop":["a",1])"), "stop[1]"},
      {with(R"("stream":"yes")"), "stream"},
      {with(R"("stream_options":{"include_usage":true})"), "stream_options"},
      {with(R"("stream":true,"stream_options":{"include_usage":1})"), "stream_options.include_usage"},
  };
  for (const auto& [body, param] : rows) {
    const auto request = parse_chat(body);
    ASSERT_FALSE(request) << body;
    EXPECT_EQ(request.error().param, param) << body << ": " << request.error().message;
    EXPECT_EQ(request.error().kind, ErrorKind::kInvalid) << body;
  }
}

TEST(ChatRequest, RefusesWhatIsNotJson) {
  for (const std::string& body : {std::string(""), std::string("{"), std::string(R"({"model":"chat",})"), std::string("{\"model\":\"\xff\"}"),
                                  with("\"temperature\":NaN"), std::string(10'000, '['), with("") + "x"}) {
    const auto request = parse_chat(body);
    ASSERT_FALSE(request) << body;
    EXPECT_THAT(request.error().message, testing::HasSubstr("at byte ")) << body;
  }
}

}  // namespace
}  // namespace ebb::wire
