// The exact JSON of answers, chunks and errors.
#include <gtest/gtest.h>

#include <map>

#include "wire/openai.h"
#include "wire/sse.h"

namespace ebb::wire {
namespace {

// A request's writer, with fields added.
std::unique_ptr<AnswerWriter> chat_writer(const std::string& fields = "") {
  Result<Asked> asked = ask_chat(R"({"model":"chat","messages":[{"role":"user","content":"hi"}])" + fields + "}");
  EXPECT_TRUE(asked) << asked.error().message;
  return std::move(asked->writer);
}

Answered answered_with(std::vector<AnswerChoice> choices) {
  return {.head = {.id = "1", .created = 17, .model = "chat"},
          .choices = std::move(choices),
          .usage = {.prompt_tokens = 3,
                    .completion_tokens = 2,
                    .cached_tokens = 2,
                    .reasoning_tokens = 1,
                    .cost = AnswerUsage::Cost{.cost = "0.01", .billed_ms = 4, .tier = domain::Tier::kParked}}};
}

// The JSON of each event of a stream.
std::vector<json::value> events_in(std::string_view out) {
  std::vector<json::value> events;
  while (out.starts_with("data: {")) {
    const size_t end = out.find("\n\n");
    events.push_back(*parse_json(out.substr(6, end - 6)));
    out.remove_prefix(end + 2);
  }
  return events;
}

constexpr std::string_view kUsage =
    R"({"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":2},"completion_tokens_details":{"reasoning_tokens":1},)"
    R"("ebb":{"cost":"0.01","billed_ms":4,"tier":"parked"}})";

TEST(ChatAnswer, IsACompletion) {
  EXPECT_EQ(
      chat_writer()->whole(answered_with({{.content = "h\"i\n", .reasoning = {}, .tool_calls = {}, .logprobs = {}, .reason = domain::FinishReason::kLength}})),
      R"({"id":"chatcmpl-1","object":"chat.completion","created":17,"model":"chat","choices":[{"index":0,"message":{"role":"assistant","content":"h\"i\n","refusal":null},)"
      R"("logprobs":null,"finish_reason":"length"}],"usage":)" +
          std::string(kUsage) + "}\n");
}

TEST(ChatAnswer, IsChunks) {
  const auto writer = chat_writer();
  const Answered two = answered_with({{}, {}});
  EXPECT_EQ(
      writer->open(answered_with({{}})),
      "data: "
      R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":17,"model":"chat","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]})"
      "\n\n");
  EXPECT_EQ(events_in(writer->open(two)).size(), 2U) << "all choices begin at once";
  EXPECT_EQ(writer->piece(two, 1, {.text = "\xC3\xA9"}),
            "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":17,\"model\":\"chat\",\"choices\":[{\"index\":1,\"delta\":{"
            "\"content\":\"\xC3\xA9\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n");
  EXPECT_EQ(writer->ended(two), "data: [DONE]\n\n");
}

TEST(ChatAnswer, SaysUsageWhereItWasAskedFor) {
  const auto writer = chat_writer(R"(,"stream":true,"stream_options":{"include_usage":true})");
  const Answered one = answered_with({{}});
  const std::vector<json::value> end = events_in(writer->choice_ended(one, 0));
  EXPECT_TRUE(end.at(0).at("usage").is_null());
  EXPECT_EQ(json::serialize(end.at(0).at("choices")), R"([{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}])");
  const std::vector<json::value> usage = events_in(writer->ended(one));
  EXPECT_EQ(json::serialize(usage.at(0).at("choices")), "[]");
  EXPECT_EQ(json::serialize(usage.at(0).at("usage")), kUsage);
}

TEST(ChatAnswer, SaysWhatBelongsToAnotherPart) {
  const auto writer = chat_writer();
  AnswerChoice choice;
  choice.tool_calls = {{.id = "call_1", .name = "f", .arguments = "{"}};
  const Answered answered = answered_with({choice});
  const auto delta = [&](const domain::Text& text) {
    return json::serialize(events_in(writer->piece(answered, 0, text)).at(0).at("choices").at(0).at("delta"));
  };
  EXPECT_EQ(delta({.text = "{", .part = domain::Part::kToolCall, .tool_index = 2, .tool_name = "f"}),
            R"({"tool_calls":[{"index":2,"id":"call_1","type":"function","function":{"name":"f","arguments":"{"}}]})");
  EXPECT_EQ(delta({.text = "}", .part = domain::Part::kToolCall, .tool_index = 2}), R"({"tool_calls":[{"index":2,"function":{"arguments":"}"}}]})");
  EXPECT_EQ(delta({.text = "hm", .part = domain::Part::kReasoning}), R"({"reasoning_content":"hm"})");
  EXPECT_EQ(writer->piece(answered, 0, {.text = "", .tokens = 1}), "") << "nothing to tell";
}

TEST(ChatAnswer, CallsOfToolsHaveNoContent) {
  const AnswerChoice calls{.content = {},
                           .reasoning = "hm",
                           .tool_calls = {{.id = "c", .name = "f", .arguments = "{\"a\":1}"}},
                           .logprobs = {},
                           .reason = domain::FinishReason::kToolCalls};
  const std::string expected =
      R"({"index":1,"message":{"role":"assistant","content":null,"refusal":null,"reasoning_content":"hm","tool_calls":[{"id":"c","type":"function",)"
      R"("function":{"name":"f","arguments":"{\"a\":1}"}}]},"logprobs":null,"finish_reason":")";
  const std::string tools = R"(,"tools":[{"type":"function","function":{"name":"f"}}])";
  const auto second = [&](const std::string& fields) {
    return json::serialize(parse_json(chat_writer(fields)->whole(answered_with({AnswerChoice{}, calls})))->at("choices").at(1));
  };
  EXPECT_EQ(second(tools), expected + "tool_calls\"}");
  EXPECT_EQ(second(tools + R"(,"tool_choice":{"type":"function","function":{"name":"f"}})"), expected + "stop\"}") << "as the original has it";
}

TEST(ChatAnswer, LogprobsHaveTheBytesOfPartsOfCharacters) {
  const domain::TokenLogprob logprob{.chosen = {.bytes = "\xE2\x82", .logprob = -0.5}, .top = {{.bytes = "a", .logprob = -9999}}};
  const std::string expected =
      "{\"content\":[{\"token\":\"\xEF\xBF\xBD\",\"logprob\":-5E-1,\"bytes\":[226,130],\"top_logprobs\":[{\"token\":\"a\",\"logprob\":-9.999E3,\"bytes\":[97]}]"
      "}],"
      "\"refusal\":null}";
  const auto writer = chat_writer(R"(,"logprobs":true)");
  const Answered answered = answered_with({{.content = "x", .reasoning = {}, .tool_calls = {}, .logprobs = {logprob}}});
  EXPECT_EQ(json::serialize(events_in(writer->piece(answered, 0, {.text = "", .logprobs = {logprob}})).at(0).at("choices").at(0).at("logprobs")), expected);
  EXPECT_EQ(json::serialize(parse_json(writer->whole(answered))->at("choices").at(0).at("logprobs")), expected);
}

Result<Asked> completion(const std::string& fields) { return ask_completion(R"({"model":"m",)" + fields + "}"); }

TEST(Completion, IsTextAndItsOlderLogprobs) {
  const Result<Asked> asked = completion(R"("prompt":["a","b"],"echo":true,"n":2)");
  ASSERT_TRUE(asked) << asked.error().message;
  ASSERT_EQ(asked->calls.size(), 4U);
  const json::value whole = *parse_json(asked->writer->whole(answered_with({{.content = "1"}, {.content = "2"}, {.content = "3"}, {.content = "4"}})));
  EXPECT_EQ(whole.at("object").as_string(), "text_completion");
  std::string texts;
  for (const json::value& choice : whole.at("choices").as_array())
    texts += std::to_string(choice.at("index").to_number<int>()) + std::string(choice.at("text").as_string());
  EXPECT_EQ(texts, "0a11a22b33b4");

  const Result<Asked> with = completion(R"("prompt":"a","logprobs":1)");
  const domain::TokenLogprob logprob{.chosen = {.bytes = "hi", .logprob = -1}, .top = {{.bytes = "hi", .logprob = -1}}};
  const json::value one =
      *parse_json(with->writer->whole(answered_with({{.content = "hihi", .reasoning = {}, .tool_calls = {}, .logprobs = {logprob, logprob}}})));
  EXPECT_EQ(json::serialize(one.at("choices").at(0).at("logprobs")),
            R"({"tokens":["hi","hi"],"token_logprobs":[-1E0,-1E0],"top_logprobs":[{"hi":-1E0},{"hi":-1E0}],"text_offset":[0,2]})");
}

TEST(Completion, BestOfAreTheLikeliest) {
  const Result<Asked> asked = completion(R"("prompt":"a","best_of":3,"n":1)");
  ASSERT_TRUE(asked) << asked.error().message;
  ASSERT_EQ(asked->calls.size(), 3U);
  EXPECT_EQ(asked->calls[0].sampling.top_logprobs, 0);
  const auto choice = [](std::string text, double logprob) {
    return AnswerChoice{.content = std::move(text), .reasoning = {}, .tool_calls = {}, .logprobs = {{.chosen = {.bytes = "x", .logprob = logprob}, .top = {}}}};
  };
  const json::value whole = *parse_json(asked->writer->whole(answered_with({choice("a", -3), choice("b", -1), choice("c", -2)})));
  ASSERT_EQ(whole.at("choices").as_array().size(), 1U);
  EXPECT_EQ(whole.at("choices").at(0).at("text").as_string(), "b");
  EXPECT_TRUE(whole.at("choices").at(0).at("logprobs").is_null()) << "they were for us";
}

TEST(Completion, ReadsPromptsOfAllForms) {
  const auto prompts = [](const std::string& prompt) {
    const auto request = parse_completion(R"({"model":"m","prompt":)" + prompt + "}");
    return request ? static_cast<int>(request->prompts.size()) : -1;
  };
  EXPECT_EQ(prompts("\"a\""), 1);
  EXPECT_EQ(prompts(R"(["a","b"])"), 2);
  EXPECT_EQ(prompts("[1,2,3]"), 1);
  EXPECT_EQ(prompts("[[1,2],[3]]"), 2);
  for (const char* bad : {"\"\"", "[]", "[[]]", "[1,\"a\"]", "[-1]", "[1.5]", "[99999999999]", "{}", "[{}]", "\"a\\u0000\""})
    EXPECT_EQ(prompts(bad), -1) << bad;
  EXPECT_EQ(parse_completion(R"({"model":"m","prompt":"a"})")->prompts[0].sampling.max_tokens, 16);
}

TEST(Completion, BlamesTheField) {
  const std::pair<const char*, const char*> rows[] = {
      {R"("prompt":null)", "prompt"},
      {R"("prompt":"a","logprobs":6)", "logprobs"},
      {R"("prompt":"a","logprobs":true)", "logprobs"},
      {R"("prompt":"a","best_of":1,"n":2)", "best_of"},
      {R"("prompt":"a","best_of":2,"stream":true)", "best_of"},
      {R"("prompt":"a","echo":true,"logprobs":1)", "echo"},
      {R"("prompt":[1],"echo":true)", "echo"},
      {R"("prompt":["a","b"],"n":65)", "n"},
      {R"("prompt":"a","suffix":"b")", "suffix"},
      {R"("prompt":"a","max_tokens":0)", "max_tokens"},
  };
  for (const auto& [fields, param] : rows) {
    const auto asked = completion(fields);
    ASSERT_FALSE(asked) << fields;
    EXPECT_EQ(asked.error().param, param) << fields << ": " << asked.error().message;
  }
  EXPECT_TRUE(completion(R"("prompt":"a","logprobs":false,"suffix":"")"));
}

TEST(Errors, HaveAllFourKeys) {
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

// Text before a call and after it: two messages, each with its own id, text and log probabilities.
TEST(ResponsesStream, TextGoesOnAfterACall) {
  Result<Asked> asked = ask_response(R"({"model":"chat","input":"hi"})");
  ASSERT_TRUE(asked);
  Answered answered = answered_with({{}});
  AnswerChoice& choice = answered.choices[0];
  std::string out;
  const auto say = [&](const domain::Text& text) {
    if (text.part == domain::Part::kToolCall) {
      if (!text.tool_name.empty()) choice.tool_calls.push_back({.id = "c", .name = text.tool_name, .arguments = {}});
      choice.tool_calls.back().arguments += text.text;
    } else {
      choice.content += text.text;
    }
    choice.logprobs.insert(choice.logprobs.end(), text.logprobs.begin(), text.logprobs.end());
    out += asked->writer->piece(answered, 0, text);
  };
  const auto with_logprob = [](const char* text) {
    return domain::Text{.text = text, .tokens = 1, .logprobs = {{.chosen = {.bytes = text, .logprob = -1}, .top = {}}}};
  };
  say(with_logprob("be"));
  say(with_logprob("fore"));
  say({.text = "{}", .tokens = 1, .part = domain::Part::kToolCall, .tool_name = "f"});
  say(with_logprob("after"));
  out += asked->writer->choice_ended(answered, 0);
  out += asked->writer->ended(answered);
  std::vector<json::object> items;
  for (size_t at = out.find("data: "); at != std::string::npos; at = out.find("data: ", at + 1)) {
    const Result<json::value> event = parse_json(std::string_view(out).substr(at + 6, out.find('\n', at) - at - 6));
    ASSERT_TRUE(event);
    if (event->at("type").as_string() == "response.output_item.done") items.push_back(event->at("item").as_object());
  }
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[0].at("id").as_string(), "msg_1");
  EXPECT_EQ(items[2].at("id").as_string(), "msg_1_1");
  const auto part = [&items](size_t index) { return items[index].at("content").as_array()[0].as_object(); };
  EXPECT_EQ(part(0).at("text").as_string(), "before");
  EXPECT_EQ(part(0).at("logprobs").as_array().size(), 2U);
  EXPECT_EQ(part(2).at("text").as_string(), "after");
  EXPECT_EQ(part(2).at("logprobs").as_array().size(), 1U);
}

// Several prompts and choices as one stream, with log probabilities in the older form: lists beside each other, offsets by choice.
TEST(CompletionStream, ChoicesKeepTheirOwnOffsets) {
  Result<Asked> asked = ask_completion(R"({"model":"chat","prompt":["a","b"],"n":2,"stream":true,"logprobs":1})");
  ASSERT_TRUE(asked) << asked.error().message;
  ASSERT_EQ(asked->calls.size(), 4U);
  Answered answered = answered_with(std::vector<AnswerChoice>(4));
  std::string out = asked->writer->open(answered);
  const auto say = [&](size_t choice, const char* text) {
    out += asked->writer->piece(answered, choice, {.text = text, .tokens = 1, .logprobs = {{.chosen = {.bytes = text, .logprob = -1}, .top = {}}}});
  };
  say(0, "one");
  say(3, "three");
  say(0, " two");
  say(3, "!");
  std::map<int64_t, std::vector<int64_t>> offsets;
  for (const json::value& event : events_in(out)) {
    const json::value& choice = event.at("choices").as_array()[0];
    offsets[choice.at("index").as_int64()].push_back(choice.at("logprobs").at("text_offset").as_array()[0].to_number<int64_t>());
  }
  EXPECT_EQ(offsets, (std::map<int64_t, std::vector<int64_t>>{{0, {0, 3}}, {3, {0, 5}}}));
}

}  // namespace
}  // namespace ebb::wire
