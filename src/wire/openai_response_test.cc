// The exact JSON of answers, chunks and errors.
#include <gtest/gtest.h>

#include "wire/openai.h"
#include "wire/sse.h"

namespace ebb::wire {
namespace {

const AnswerHead kHead{.id = "chatcmpl-1", .created = 17, .model = "chat"};
const AnswerUsage kUsage{.prompt_tokens = 3,
                         .completion_tokens = 2,
                         .cached_tokens = 2,
                         .reasoning_tokens = 1,
                         .cost = AnswerUsage::Cost{.cost = "0.01", .billed_ms = 4, .tier = domain::Tier::kParked}};

TEST(ChatAnswer, IsACompletion) {
  EXPECT_EQ(
      chat_completion(kHead, {{.content = "h\"i\n", .reasoning = {}, .tool_calls = {}, .logprobs = {}, .reason = domain::FinishReason::kLength}}, kUsage),
      R"({"id":"chatcmpl-1","object":"chat.completion","created":17,"model":"chat","choices":[{"index":0,"message":{"role":"assistant","content":"h\"i\n","refusal":null},)"
      R"("logprobs":null,"finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":2},"completion_tokens_details":{"reasoning_tokens":1},"ebb":{"cost":"0.01","billed_ms":4,"tier":"parked"}}})");
}

TEST(ChatAnswer, IsChunksWithAndWithoutUsage) {
  const ChatChunks plain(kHead, false);
  EXPECT_EQ(
      plain.role(0),
      R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":17,"model":"chat","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]})");
  EXPECT_EQ(plain.piece(0, {.text = "é"}, ""),
            "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":17,\"model\":\"chat\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
            "\"é\"},\"logprobs\":null,\"finish_reason\":null}]}");
  const ChatChunks with(kHead, true);
  EXPECT_EQ(
      with.finish(0, domain::FinishReason::kStop),
      R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":17,"model":"chat","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null})");
  EXPECT_EQ(
      with.usage({.prompt_tokens = 1, .completion_tokens = 2, .cost = {}}),
      R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":17,"model":"chat","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}})");
}

TEST(ChatAnswer, SaysWhatBelongsToAnotherPart) {
  const ChatChunks chunks(kHead, false);
  const auto delta = [&chunks](const domain::Text& text) {
    const json::value all = *parse_json(chunks.piece(1, text, "call_1"));
    return json::serialize(all.at("choices").at(0).at("delta"));
  };
  EXPECT_EQ(delta({.text = "{", .part = domain::Part::kToolCall, .tool_index = 2, .tool_name = "f"}),
            R"({"tool_calls":[{"index":2,"id":"call_1","type":"function","function":{"name":"f","arguments":"{"}}]})");
  EXPECT_EQ(delta({.text = "}", .part = domain::Part::kToolCall, .tool_index = 2}), R"({"tool_calls":[{"index":2,"function":{"arguments":"}"}}]})");
  EXPECT_EQ(delta({.text = "hm", .part = domain::Part::kReasoning}), R"({"reasoning_content":"hm"})");
  EXPECT_EQ(chunks.piece(0, {.text = "", .tokens = 1}, ""), "") << "nothing to tell";
}

TEST(ChatAnswer, CallsOfToolsHaveNoContent) {
  const AnswerChoice calls{.content = {},
                           .reasoning = "hm",
                           .tool_calls = {{.id = "c", .name = "f", .arguments = "{\"a\":1}"}},
                           .logprobs = {},
                           .reason = domain::FinishReason::kToolCalls};
  const json::value all = *parse_json(chat_completion(kHead, {AnswerChoice{}, calls}, kUsage));
  EXPECT_EQ(json::serialize(all.at("choices").at(1)),
            R"({"index":1,"message":{"role":"assistant","content":null,"refusal":null,"reasoning_content":"hm","tool_calls":[{"id":"c","type":"function",)"
            R"("function":{"name":"f","arguments":"{\"a\":1}"}}]},"logprobs":null,"finish_reason":"tool_calls"})");
}

TEST(ChatAnswer, LogprobsHaveTheBytesOfPartsOfCharacters) {
  const domain::TokenLogprob logprob{.chosen = {.bytes = "\xE2\x82", .logprob = -0.5}, .top = {{.bytes = "a", .logprob = -9999}}};
  const json::value all = *parse_json(ChatChunks(kHead, false).piece(0, {.text = "", .logprobs = {logprob}}, ""));
  EXPECT_EQ(json::serialize(all.at("choices").at(0).at("logprobs")),
            "{\"content\":[{\"token\":\"\xEF\xBF\xBD\",\"logprob\":-5E-1,\"bytes\":[226,130],\"top_logprobs\":[{\"token\":\"a\",\"logprob\":-9.999E3,\"bytes\":"
            "[97]}]}],"
            "\"refusal\":null}");
}

TEST(ChatAnswer, ErrorsHaveAllFourKeys) {
  struct Row {
    Error error;
    const char* json;
  };
  const Row rows[] = {
      {{.kind = ErrorKind::kInvalid, .message = "m", .param = "n"}, R"({"error":{"message":"m","type":"invalid_request_error","param":"n","code":null}})"},
      {{.kind = ErrorKind::kInvalid, .message = "m", .code = "context_length_exceeded"},
       R"({"error":{"message":"m","type":"invalid_request_error","param":null,"code":"context_length_exceeded"}})"},
      {{.kind = ErrorKind::kNotFound, .message = "m", .param = "model"},
       R"({"error":{"message":"m","type":"invalid_request_error","param":"model","code":"model_not_found"}})"},
      {{.kind = ErrorKind::kOverloaded, .message = "m"}, R"({"error":{"message":"m","type":"requests","param":null,"code":"rate_limit_exceeded"}})"},
      {{.kind = ErrorKind::kUnavailable, .message = "m"}, R"({"error":{"message":"m","type":"server_error","param":null,"code":"unavailable"}})"},
      {{.kind = ErrorKind::kPoison, .message = "m"}, R"({"error":{"message":"m","type":"invalid_request_error","param":null,"code":"poison"}})"},
      {{.kind = ErrorKind::kTimeout, .message = "m"}, R"({"error":{"message":"m","type":"server_error","param":null,"code":"timeout"}})"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(openai_error(row.error), row.json);
}

TEST(Sse, IsOneLineAndABlankOne) {
  std::string out;
  append_sse(out, "{}");
  EXPECT_EQ(out, "data: {}\n\n");
}

}  // namespace
}  // namespace ebb::wire
