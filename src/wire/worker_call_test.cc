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
  call.priority = domain::Priority::kBatch;
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
  domain::Call tensors;
  tensors.input = domain::Tensors{.inputs = {{.head = {.name = "x", .type = domain::DataType::kInt16, .shape = {2, 1}}, .data = "abcd"}}, .outputs = {"y"}};
  domain::Call samples;
  samples.input = domain::Samples{.kind = domain::Samples::Kind::kImage, .items = {"\xFF\xD8", ""}, .top = 3};
  domain::Call request;
  request.input = domain::HttpRequest{.method = "POST", .target = "/a?b=%20", .headers = {{"X-A", "1"}, {"x-a", "\xE2\t2"}}, .has_body = true};
  for (const domain::Call& call : {full_call(), domain::Call{}, prompt, tokens, texts, tensors, samples, request}) {
    const auto back = decode_call(encode_call(call));
    ASSERT_TRUE(back) << back.error().message;
    domain::Call expected = call;
    if (!expected.priority) expected.priority = domain::Priority::kNormal;  // a worker gets a class with every call
    EXPECT_EQ(*back, expected);
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
  EXPECT_FALSE(broken([](domain::Call& call) { call.priority = static_cast<domain::Priority>(-1); }));
  EXPECT_FALSE(broken([](domain::Call& call) { call.priority = static_cast<domain::Priority>(domain::kPriorities.size()); }));
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

TEST(WorkerCall, RefusesTensorsOutOfBounds) {
  const auto tensor = [](domain::Tensor one) { return encode_call({.input = domain::Tensors{.inputs = {std::move(one)}, .outputs = {}}}); };
  const domain::Tensor good{.head = {.name = "x", .type = domain::DataType::kFp32, .shape = {2}}, .data = std::string(8, '\0')};
  EXPECT_TRUE(decode_call(tensor(good)));
  const auto broken = [&](auto change) {
    domain::Tensor one = good;
    change(one);
    return decode_call(tensor(std::move(one)));
  };
  EXPECT_FALSE(broken([](domain::Tensor& one) { one.data.pop_back(); }));
  EXPECT_FALSE(broken([](domain::Tensor& one) { one.head.type = static_cast<domain::DataType>(domain::kDataTypes); }));
  EXPECT_FALSE(broken([](domain::Tensor& one) { one.head.shape = {-1}; }));
  EXPECT_FALSE(broken([](domain::Tensor& one) { one.head.name = "\xFF"; }));
  EXPECT_FALSE(broken([](domain::Tensor& one) { one.head.name.assign(domain::kTensorNameBytesMax + 1, 'x'); }));
  EXPECT_FALSE(decode_call(encode_call({.input = domain::Tensors{.inputs = std::vector<domain::Tensor>(domain::kTensorsMax + 1, good), .outputs = {}}})));
  EXPECT_FALSE(decode_call(encode_call({.input = domain::Tensors{.inputs = {}, .outputs = {std::string(domain::kTensorNameBytesMax + 1, 'x')}}})));
}

TEST(WorkerCall, RefusesSamplesOutOfBounds) {
  const auto samples = [](size_t count, int top, int kind) {
    return decode_call(
        encode_call({.input = domain::Samples{.kind = static_cast<domain::Samples::Kind>(kind), .items = std::vector<std::string>(count, "a"), .top = top}}));
  };
  EXPECT_TRUE(samples(domain::kInputsMax, domain::kLabelsMax, 1));
  EXPECT_FALSE(samples(0, 1, 0));
  EXPECT_FALSE(samples(domain::kInputsMax + 1, 1, 0));
  EXPECT_FALSE(samples(1, 0, 0));
  EXPECT_FALSE(samples(1, domain::kLabelsMax + 1, 0));
  EXPECT_FALSE(samples(1, 1, 2));
}

TEST(WorkerCall, RefusesRequestsThatHttpWouldReadAsSomethingElse) {
  const domain::HttpRequest good{.method = "GET", .target = "/", .headers = {{"a", "b"}}};
  const auto broken = [&](auto change) {
    domain::HttpRequest request = good;
    change(request);
    return decode_call(encode_call({.input = std::move(request)}));
  };
  EXPECT_TRUE(broken([](domain::HttpRequest&) {}));
  for (const char* method : {"", "get", "GET /"})
    EXPECT_FALSE(broken([&](domain::HttpRequest& request) { request.method = method; })) << method;
  for (const char* target : {"", "a", "/ HTTP/1.1", "/\r\n"})
    EXPECT_FALSE(broken([&](domain::HttpRequest& request) { request.target = target; })) << target;
  for (const auto& header : {std::pair{"", "b"}, {"a b", "c"}, {"a:", "b"}, {"a", "b\r\nc: d"}})
    EXPECT_FALSE(broken([&](domain::HttpRequest& request) { request.headers = {header}; })) << header.first << ": " << header.second;
  EXPECT_FALSE(broken([](domain::HttpRequest& request) { request.headers.resize(domain::kHttpHeadersMax + 1, {"a", "b"}); }));
  EXPECT_FALSE(broken([](domain::HttpRequest& request) { request.headers = {{"a", std::string(domain::kHttpHeaderBytesMax, 'b')}}; }));
}

TEST(WorkerInput, ComesBackAsItWas) {
  const auto piece = decode_input(encode_input("a\xFF", true));
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->data, "a\xFF");
  EXPECT_TRUE(piece->last);
  EXPECT_FALSE(decode_input(encode_input("", false))->last);
  EXPECT_FALSE(decode_input(encode_input(std::string(domain::kBodyPieceBytesMax + 1, 'x'), false)));
  EXPECT_FALSE(decode_input("\xff"));
}

TEST(WorkerCredit, IsBounded) {
  for (const uint64_t bytes : {uint64_t{1}, uint64_t{domain::kBodyWindowBytes}})
    EXPECT_EQ(*decode_credit(encode_credit(bytes)), bytes);
  EXPECT_FALSE(decode_credit(encode_credit(0)));
  EXPECT_FALSE(decode_credit(encode_credit(domain::kBodyWindowBytes + 1)));
  EXPECT_FALSE(decode_credit("\xff"));
}

}  // namespace
}  // namespace ebb::wire
