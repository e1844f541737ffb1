// The exact JSON of answers, chunks and errors.
#include <gtest/gtest.h>

#include "wire/openai.h"
#include "wire/sse.h"

namespace ebb::wire {
namespace {

const AnswerHead kHead{.id = "chatcmpl-1", .created = 17, .model = "chat"};
const AnswerUsage kUsage{.prompt_tokens = 3, .completion_tokens = 2, .cost = AnswerUsage::Cost{.cost = "0.01", .billed_ms = 4, .tier = domain::Tier::kParked}};

TEST(ChatAnswer, IsACompletion) {
  EXPECT_EQ(
      chat_completion(kHead, "h\"i\n", domain::FinishReason::kLength, kUsage),
      R"({"id":"chatcmpl-1","object":"chat.completion","created":17,"model":"chat","choices":[{"index":0,"message":{"role":"assistant","content":"h\"i\n","refusal":null},)"
      R"("logprobs":null,"finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"ebb":{"cost":"0.01","billed_ms":4,"tier":"parked"}}})");
}

TEST(ChatAnswer, IsChunksWithAndWithoutUsage) {
  const ChatChunks plain(kHead, false);
  EXPECT_EQ(
      plain.role(),
      R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":17,"model":"chat","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]})");
  EXPECT_EQ(plain.content("é"),
            "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":17,\"model\":\"chat\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
            "\"é\"},\"logprobs\":null,\"finish_reason\":null}]}");
  const ChatChunks with(kHead, true);
  EXPECT_EQ(
      with.finish(domain::FinishReason::kStop),
      R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":17,"model":"chat","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null})");
  EXPECT_EQ(
      with.usage({.prompt_tokens = 1, .completion_tokens = 2, .cost = {}}),
      R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":17,"model":"chat","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})");
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
