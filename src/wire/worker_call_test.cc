// What one end writes the other reads as the same value; what breaks a bound is refused.
#include "wire/worker_call.h"

#include <gtest/gtest.h>

#include <cmath>

#include "domain/limits.h"

namespace ebb::wire {
namespace {

domain::Call full_call() {
  domain::Call call;
  call.input = domain::Chat{
      .messages = {{.role = "user", .content = "h\xC3\xA9"},
                   {.role = "assistant", .content = "", .tool_calls = {{.id = "c1", .name = "f", .arguments = R"({"a":1})"}}},
                   {.role = "tool", .content = "2", .tool_call_id = "c1"}},
      .tools = {{.name = "f", .description = "does f", .parameters = R"({"type":"object"})"}},
      .tool_choice = domain::ToolChoice::kRequired,
      .parallel_tool_calls = false,
      .json_schema = R"({"type":"object"})",
  };
  call.sampling = {.max_tokens = 5,
                   .temperature = 0.5,
                   .top_p = 0.25,
                   .top_k = 7,
                   .min_p = 0.125,
                   .repeat_penalty = 1.5,
                   .presence_penalty = -2,
                   .frequency_penalty = 2,
                   .logit_bias = {{3, -100}, {70'000, 1.5}},
                   .seed = -1,
                   .stop = {"x", "y"},
                   .top_logprobs = 0};
  return call;
}

TEST(WorkerCall, ComesBackAsItWas) {
  domain::Call prompt;
  prompt.input = domain::Prompt{.text = "once upon"};
  prompt.show_prompt = true;
  domain::Call tokens;
  tokens.input = domain::Prompt{.text = std::vector<int32_t>{1, -2, 3}};
  domain::Call texts;
  texts.input = domain::Texts{.inputs = {{.text = "a"}, {.text = ""}, {.text = std::vector<int32_t>{1, 2}}}, .dimensions = 7, .cut_to_fit = true};
  for (const domain::Call& call : {full_call(), domain::Call{}, prompt, tokens, texts}) {
    const auto back = decode_call(encode_call(call));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, call);
  }
}

TEST(WorkerCall, RefusesWhatNoServerOfOursSends) {
  const auto broken = [](auto change) {
    domain::Call call = full_call();
    change(call);
    return decode_call(encode_call(call));
  };
  const auto chat = [](domain::Call& call) -> domain::Chat& { return std::get<domain::Chat>(call.input); };
  EXPECT_FALSE(decode_call("\xff\xff"));
  EXPECT_FALSE(decode_call(""));
  EXPECT_FALSE(broken([](domain::Call& call) { call.sampling.temperature = NAN; }));
  EXPECT_FALSE(broken([](domain::Call& call) { call.sampling.top_p = 1.5; }));
  EXPECT_FALSE(broken([](domain::Call& call) { call.sampling.presence_penalty = 3; }));
  EXPECT_FALSE(broken([](domain::Call& call) { call.sampling.repeat_penalty = 0; }));
  EXPECT_FALSE(broken([](domain::Call& call) { call.sampling.top_k = -1; }));
  EXPECT_FALSE(broken([](domain::Call& call) { call.sampling.logit_bias[1] = INFINITY; }));
  EXPECT_FALSE(broken([](domain::Call& call) { call.sampling.top_logprobs = domain::kTopLogprobsMax + 1; }));
  EXPECT_FALSE(broken([](domain::Call& call) { call.sampling.stop.assign(domain::kStopStringsMax + 1, "x"); }));
  EXPECT_FALSE(broken([&](domain::Call& call) { chat(call).json_schema = std::string(domain::kSchemaBytesMax + 1, ' '); }));
  EXPECT_FALSE(broken([&](domain::Call& call) { chat(call).tools.resize(domain::kToolsMax + 1); }));
  EXPECT_FALSE(broken([&](domain::Call& call) { chat(call).messages.resize(domain::kMessagesMax + 1); }));
}

TEST(WorkerCall, RefusesTextsOutOfBounds) {
  const auto texts = [](size_t count, int64_t dimensions) {
    return encode_call({.input = domain::Texts{.inputs = std::vector<domain::Prompt>(count, {.text = "a"}), .dimensions = dimensions}});
  };
  EXPECT_TRUE(decode_call(texts(domain::kInputsMax, domain::kVectorValuesMax)));
  EXPECT_FALSE(decode_call(texts(0, 1)));
  EXPECT_FALSE(decode_call(texts(domain::kInputsMax + 1, 1)));
  EXPECT_FALSE(decode_call(texts(1, domain::kVectorValuesMax + 1)));
  EXPECT_FALSE(decode_call(texts(1, -1)));
}

TEST(WorkerVector, ComesBackAsItWas) {
  const std::vector<float> values{1, -0.5F, 1e-38F};
  EXPECT_EQ(decode_vector(encode_vector(values))->values, values);
  EXPECT_FALSE(decode_vector("\xff"));
}

TEST(WorkerText, ComesBackAsItWas) {
  const domain::Text text{
      .text = "\xE2\x82\xAC",
      .tokens = 2,
      .part = domain::Part::kToolCall,
      .tool_index = 3,
      .tool_name = "f",
      .logprobs = {{.chosen = {.bytes = "\xE2", .logprob = -0.5}, .top = {{.bytes = "a", .logprob = 0}, {.bytes = "b", .logprob = -9999}}}}};
  const auto back = decode_text(encode_text(text));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->text, text.text);
  EXPECT_EQ(back->tokens, 2);
  EXPECT_EQ(back->part, text.part);
  EXPECT_EQ(back->tool_index, 3);
  EXPECT_EQ(back->tool_name, "f");
  EXPECT_EQ(back->logprobs, text.logprobs);
}

TEST(WorkerText, RefusesWhatAWorkerMayNotSay) {
  const domain::Text bad[] = {
      {.text = "\xFF"},
      {.text = "a", .tokens = -1},
      {.text = "a", .part = static_cast<domain::Part>(7)},
      {.text = "a", .tool_index = domain::kToolCallsMax},
      {.text = "a", .tool_index = -1},
      {.text = "a", .tool_name = std::string(domain::kToolNameBytesMax + 1, 'x')},
      {.text = "a", .tool_name = "\xFF"},
      {.text = "a", .logprobs = {{.chosen = {.bytes = "a", .logprob = NAN}, .top = {}}}},
      {.text = "a", .logprobs = {{.chosen = {.bytes = "a", .logprob = 0.5}, .top = {}}}},
      {.text = "a", .logprobs = {{.chosen = {.bytes = "a", .logprob = -1e9}, .top = {}}}},
      {.text = "a", .logprobs = {{.chosen = {}, .top = std::vector<domain::TokenLogprob::Candidate>(domain::kTopLogprobsMax + 1)}}},
  };
  for (const domain::Text& text : bad)
    EXPECT_FALSE(decode_text(encode_text(text)));
  EXPECT_FALSE(decode_text("\xff"));
}

}  // namespace
}  // namespace ebb::wire
