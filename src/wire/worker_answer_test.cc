// What a worker writes the server reads as the same value; what a worker may not say is refused.
#include "wire/worker_answer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "domain/limits.h"

namespace ebb::wire {
namespace {

TEST(WorkerVector, ComesBackAsItWas) {
  const std::vector<float> values{1, -0.5F, 1e-38F};
  EXPECT_EQ(decode_vector(encode_vector(values))->values, values);
  for (const float value : {NAN, INFINITY})
    EXPECT_FALSE(decode_vector(encode_vector(std::vector<float>{1, value})));
  EXPECT_FALSE(decode_vector(""));
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

TEST(WorkerTensor, ItsBytesFitItsShape) {
  struct Row {
    domain::DataType type;
    std::vector<int64_t> shape;
    uint64_t bytes;
    bool fits;
  };
  const Row rows[] = {{domain::DataType::kFp32, {2, 3}, 24, true},  {domain::DataType::kFp32, {}, 4, true},
                      {domain::DataType::kFp32, {0}, 0, true},      {domain::DataType::kFp32, {2, 3}, 23, false},
                      {domain::DataType::kFp32, {2, 3}, 25, false}, {domain::DataType::kFp32, {-1}, 4, false},
                      {domain::DataType::kBytes, {2}, 8, true},     {domain::DataType::kBytes, {2}, 100, true},
                      {domain::DataType::kBytes, {2}, 7, false},    {domain::DataType::kBytes, {2}, domain::kTensorBytesMax + 1, false}};
  for (const Row& row : rows) {
    const domain::TensorStart start{.head = {.name = "y", .type = row.type, .shape = row.shape}, .bytes = row.bytes};
    const auto back = decode_tensor_start(encode_tensor_start(start));
    EXPECT_EQ(back.has_value(), row.fits) << row.bytes;
    if (!back) continue;
    EXPECT_EQ(back->head, start.head);
    EXPECT_EQ(back->bytes, start.bytes);
  }
  EXPECT_FALSE(decode_tensor_start("\xff"));
}

TEST(WorkerBytes, AreOneToThePieceThatIsTaken) {
  const std::string longest(domain::kBodyPieceBytesMax, 'x');
  for (const std::string& data : {std::string("\0\xFF", 2), longest})
    EXPECT_EQ(decode_bytes(encode_bytes(data))->data, data);
  for (const std::string& body : {encode_bytes(""), encode_bytes(longest + "x"), std::string("\xff")})
    EXPECT_FALSE(decode_bytes(body));
}

TEST(WorkerLabels, ComeBackAsTheyWere) {
  const domain::Labels labels{.labels = {{.label = "\xC3\xA9", .score = 0.5F}, {.label = "", .score = -1}}};
  EXPECT_EQ(*decode_labels(encode_labels(labels)), labels);
  const domain::Labels bad[] = {{.labels = {{.label = "\xFF"}}},
                                {.labels = {{.label = "a", .score = NAN}}},
                                {.labels = {{.label = std::string(domain::kLabelBytesMax + 1, 'a')}}},
                                {.labels = std::vector<domain::Labels::Label>(domain::kLabelsMax + 1)}};
  for (const domain::Labels& one : bad)
    EXPECT_FALSE(decode_labels(encode_labels(one)));
  EXPECT_FALSE(decode_labels("\xff"));
}

TEST(WorkerHttpHead, IsOneThatHttpReadsAsItWasMeant) {
  for (const int status : {200, 599}) {
    const domain::HttpHead head{.status = status, .headers = {{"A", "b"}, {"set-cookie", ""}}};
    EXPECT_EQ(*decode_http_head(encode_http_head(head)), head);
  }
  for (const int status : {0, 101, 199, 600})
    EXPECT_FALSE(decode_http_head(encode_http_head({.status = status, .headers = {}}))) << status;
  EXPECT_FALSE(decode_http_head(encode_http_head({.status = 200, .headers = {{"a", "b\nc: d"}}})));
  EXPECT_FALSE(decode_http_head("\xff"));
}

TEST(WorkerTrailers, AreHeaders) {
  const domain::HttpHeaders headers = {{"grpc-status", "0"}};
  EXPECT_EQ(decode_trailers(encode_trailers({.headers = headers}))->headers, headers);
  EXPECT_FALSE(decode_trailers(encode_trailers({.headers = {{"a b", "c"}}})));
  EXPECT_FALSE(decode_trailers("\xff"));
}

}  // namespace
}  // namespace ebb::wire
