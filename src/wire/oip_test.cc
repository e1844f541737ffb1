// The inference protocol's bytes: what is read of them, what is refused, and the exact answers.
#include "wire/oip.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "base/json.h"
#include "domain/limits.h"

namespace ebb::wire {
namespace {

using domain::DataType;
using domain::Tensor;

const OipModel kAny{.name = "m", .version = "3", .platform = "ebb_echo", .takes_tensors = true, .inputs = {}, .outputs = {}, .ready = true};
const OipModel kKnown{.name = "m",
                      .version = "3",
                      .platform = "onnxruntime_onnx",
                      .takes_tensors = true,
                      .inputs = {{.name = "a", .type = DataType::kFp32, .shape = {-1, 2}}},
                      .outputs = {{.name = "y", .type = DataType::kFp32, .shape = {-1}}},
                      .ready = true};
const OipModel kTwo{.name = "m",
                    .version = "3",
                    .platform = "onnxruntime_onnx",
                    .takes_tensors = true,
                    .inputs = {{.name = "a", .type = DataType::kFp32, .shape = {-1, 2}}, {.name = "b", .type = DataType::kBytes, .shape = {-1}}},
                    .outputs = {},
                    .ready = true};

template <class T>
std::string bytes_of(std::initializer_list<T> values) {
  std::string out;
  for (const T value : values)
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  return out;
}

Tensor tensor(std::string name, DataType type, std::vector<int64_t> shape, std::string data) {
  return {.head = {.name = std::move(name), .type = type, .shape = std::move(shape)}, .data = std::move(data)};
}

std::vector<Tensor> inputs_of(const Result<Asked>& asked) {
  EXPECT_TRUE(asked) << asked.error().message;
  return asked ? std::get<domain::Tensors>(asked->calls[0].input).inputs : std::vector<Tensor>{};
}

// One JSON input "x" and what becomes of it.
Result<Asked> ask_one(std::string_view type, std::string_view shape, std::string_view data) {
  return ask_infer(
      R"({"inputs":[{"name":"x","datatype":")" + std::string(type) + R"(","shape":)" + std::string(shape) + R"(,"data":)" + std::string(data) + "}]}", {},
      kAny);
}

// The answer that echoes these tensors, each in pieces of three bytes.
Result<std::string> answer(const Result<Asked>& asked, const std::vector<Tensor>& outputs) {
  for (const Tensor& output : outputs) {
    asked->writer->begin_tensor({.head = output.head, .bytes = output.data.size()});
    for (size_t at = 0; at < output.data.size(); at += 3)
      asked->writer->add_bytes({.data = output.data.substr(at, 3)});
  }
  if (Status checked = asked->writer->check(); !checked) return fail(checked.error());
  return asked->writer->whole({});
}

TEST(Infer, ReadsElementsOfEveryType) {
  struct Row {
    std::string_view type;
    std::string_view data;
    std::string bytes;
  };
  const Row rows[] = {
      {"BOOL", "[true,0]", {"\1\0", 2}},
      {"UINT8", "[0,255]", {"\0\xff", 2}},
      {"INT8", "[-128,127]", {"\x80\x7f", 2}},
      {"UINT16", "[1,65535]", bytes_of<uint16_t>({1, 65535})},
      {"INT16", "[-32768,2.0]", bytes_of<int16_t>({-32768, 2})},
      {"UINT32", "[1,4294967295]", bytes_of<uint32_t>({1, 4294967295})},
      {"INT32", "[-1,2147483647]", bytes_of<int32_t>({-1, 2147483647})},
      {"UINT64", "[9007199254740993,18446744073709551615]", bytes_of<uint64_t>({9007199254740993, 18446744073709551615U})},
      {"INT64", "[-9007199254740993,-9223372036854775808]", bytes_of<int64_t>({-9007199254740993, std::numeric_limits<int64_t>::min()})},
      {"FP32", "[0.1,-Infinity]", bytes_of<float>({0.1F, -std::numeric_limits<float>::infinity()})},
      {"FP64", "[0.1,Infinity]", bytes_of<double>({0.1, std::numeric_limits<double>::infinity()})},
      {"BYTES", R"(["","aä"])", {"\0\0\0\0\3\0\0\0a\xc3\xa4", 11}},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(inputs_of(ask_one(row.type, "[2]", row.data)), (std::vector{tensor("x", *domain::parse_data_type(row.type), {2}, row.bytes)})) << row.type;
    EXPECT_EQ(inputs_of(ask_one(
                  row.type, "[2,1]",
                  "[[" + std::string(row.data.substr(1, row.data.find(',') - 1)) + "],[" + std::string(row.data.substr(row.data.find(',') + 1)) + "]"))[0]
                  .data,
              row.bytes)
        << row.type << " nested";
  }
}

TEST(Infer, RefusesElements) {
  struct Row {
    std::string_view type;
    std::string_view shape;
    std::string_view data;
    std::string message;
  };
  const Row rows[] = {
      {"UINT8", "[1]", "[256]", "input 'x': 'inputs[0].data[0]': 256 is no UINT8"},
      {"UINT8", "[1]", "[-1]", "input 'x': 'inputs[0].data[0]': -1 is no UINT8"},
      {"INT64", "[1]", "[9223372036854775808]", "input 'x': 'inputs[0].data[0]': 9223372036854775808 is no INT64"},
      {"INT64", "[1]", "[NaN]", "input 'x': 'inputs[0].data[0]': \"NaN\" is no INT64"},
      {"FP32", "[1]", "[[1]]", "input 'x': 'inputs[0].data[0]': a list is no FP32"},
      {"FP32", "[1]", "[null]", "input 'x': 'inputs[0].data[0]': null is no FP32"},
      {"BYTES", "[1]", R"([{"b64":"YQ=="}])", "input 'x': 'inputs[0].data[0]': an object is no string, as BYTES are"},
      {"FP16", "[1]", "[1]", "input 'x': 'inputs[0].data[0]': FP16 has no JSON form: send and ask for it as binary data"},
      {"FP32", "[2]", "[1]", "input 'x': 'inputs[0].data' has 1 elements, and its shape [2] asks for 2"},
      {"FP32", "[2,2]", "[[1,2],3]", "input 'x': 'inputs[0].data[1]' must be a list, as the shape [2,2] asks"},
      {"FP32", "[2,2]", "[[1,2],[3]]", "input 'x': 'inputs[0].data[1]' has 1 elements, and its shape [2,2] asks for 2"},
      {"FP32", "[2,2]", "1", "input 'x': 'inputs[0].data' must be a list"},
      {"FP32", "[1.5]", "[1]", "'inputs[0].shape' must be a list of whole numbers from 0 on"},
      {"FP32", "[4294967296,4294967296]", "[1]", "the shape [4294967296,4294967296] has more elements than the 64 MiB that are taken"},
  };
  for (const Row& row : rows) {
    const Result<Asked> asked = ask_one(row.type, row.shape, row.data);
    ASSERT_FALSE(asked) << row.message;
    EXPECT_EQ(asked.error().message, row.message);
    EXPECT_EQ(asked.error().kind, ErrorKind::kInvalid);
  }
}

TEST(Infer, TakesBinaryDataInOrder) {
  const std::string head =
      R"({"inputs":[{"name":"a","datatype":"UINT8","shape":[2],"parameters":{"binary_data_size":2}},)"
      R"({"name":"b","datatype":"INT8","shape":[1],"data":[7]},{"name":"c","datatype":"BF16","shape":[1],"parameters":{"binary_data_size":2}}]})";
  const InferHead with{.json_bytes = head.size(), .accepted = {}};
  EXPECT_EQ(inputs_of(ask_infer(head + "abcd", with, kAny)),
            (std::vector{tensor("a", DataType::kUint8, {2}, "ab"), tensor("b", DataType::kInt8, {1}, "\7"), tensor("c", DataType::kBf16, {1}, "cd")}));
  struct Row {
    std::string body;
    std::optional<size_t> json_bytes;
    std::string message;
  };
  const Row rows[] = {
      {head + "abc", head.size(), "input 'c' has 2 bytes of binary data, but only 1 are left in the body"},
      {head + "abcde", head.size(), "the body has 1 bytes after its last tensor"},
      {head + "abcd", head.size() + 5,
       "Inference-Header-Content-Length says " + std::to_string(head.size() + 5) + " bytes, but the body has " + std::to_string(head.size() + 4)},
      {head, std::nullopt, "input 'a' has binary data, but there is no header Inference-Header-Content-Length: without it the whole body is JSON"},
  };
  for (const Row& row : rows) {
    const Result<Asked> asked = ask_infer(row.body, {.json_bytes = row.json_bytes, .accepted = {}}, kAny);
    ASSERT_FALSE(asked) << row.message;
    EXPECT_EQ(asked.error().message, row.message);
  }
}

TEST(Infer, HoldsInputsToTheModel) {
  const auto message = [](const OipModel& model, std::string_view body) {
    const Result<Asked> asked = ask_infer(body, {}, model);
    return asked ? std::string() : asked.error().message;
  };
  EXPECT_EQ(message(kKnown, R"({"inputs":[{"name":"a","datatype":"FP32","shape":[1,2],"data":[1,2]}],"outputs":[{"name":"y"}]})"), "");
  EXPECT_EQ(message(kKnown, R"({"inputs":[{"name":"a","datatype":"FP64","shape":[1,2],"data":[1,2]}]})"),
            "input 'a' has the type FP64, but the model takes FP32");
  EXPECT_EQ(message(kKnown, R"({"inputs":[{"name":"a","datatype":"FP32","shape":[1,2],"data":[1,2]}],"outputs":[{"name":"z"}]})"),
            "the model has no output 'z': it gives 'y'");
  OipModel text = kAny;
  text.takes_tensors = false;
  text.platform = "ebb_llama";
  EXPECT_EQ(message(text, R"({"inputs":[{"name":"a","datatype":"FP32","shape":[1,2],"data":[1,2]}]})"), "'m' takes no tensors: its platform is ebb_llama");
}

TEST(Infer, Parameters) {
  const Result<Asked> asked = ask_infer(
      R"({"inputs":[{"name":"x","datatype":"INT8","shape":[0],"data":[]}],"parameters":{"timeout":1500,"sequence_id":"s","priority":1,"a b":2}})", {}, kAny);
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_EQ(asked->calls[0].deadline, milliseconds(2)) << "microseconds, rounded up";
  EXPECT_EQ(asked->ignored, (std::vector<std::string>{"sequence_id", "priority"}));
  EXPECT_FALSE(ask_infer(R"({"inputs":[],"parameters":{"timeout":-1}})", {}, kAny));
}

TEST(InferAnswer, IsExact) {
  const std::string input = R"({"id":"7","inputs":[{"name":"x","datatype":"INT8","shape":[0],"data":[]}])";
  const std::vector<Tensor> outputs{tensor("f", DataType::kFp32, {1, 3}, bytes_of<float>({0.1F, 3e38F, -2})),
                                    tensor("t", DataType::kBytes, {2}, {"\2\0\0\0a\"\0\0\0\0", 10}),
                                    tensor("u", DataType::kUint64, {}, bytes_of<uint64_t>({18446744073709551615U}))};
  EXPECT_EQ(answer(ask_infer(input + "}", {}, kAny), outputs),
            R"({"model_name":"m","model_version":"3","id":"7","outputs":[{"name":"f","datatype":"FP32","shape":[1,3],"data":[0.1,3e+38,-2]},)"
            R"({"name":"t","datatype":"BYTES","shape":[2],"data":["a\"",""]},{"name":"u","datatype":"UINT64","shape":[],"data":[18446744073709551615]}]})");

  const Result<Asked> binary = ask_infer(
      input + R"(,"parameters":{"binary_data_output":true},"outputs":[{"name":"f","parameters":{"binary_data":false}},{"name":"t"},{"name":"u"}]})", {}, kAny);
  const std::string head = R"({"model_name":"m","model_version":"3","id":"7","outputs":[{"name":"f","datatype":"FP32","shape":[1,3],"data":[0.1,3e+38,-2]},)"
                           R"({"name":"t","datatype":"BYTES","shape":[2],"parameters":{"binary_data_size":10}},)"
                           R"({"name":"u","datatype":"UINT64","shape":[],"parameters":{"binary_data_size":8}}]})";
  EXPECT_EQ(answer(binary, outputs), head + outputs[1].data + outputs[2].data);
  EXPECT_EQ(binary->writer->content_type(), "application/octet-stream");
  EXPECT_EQ(binary->writer->headers(), (domain::HttpHeaders{{"Inference-Header-Content-Length", std::to_string(head.size())}}));
}

TEST(InferAnswer, RefusesWhatJsonCannotSay) {
  struct Row {
    Tensor output;
    ErrorKind kind;
    std::string message;
  };
  const Row rows[] = {
      {tensor("y", DataType::kFp32, {1}, bytes_of<float>({std::numeric_limits<float>::quiet_NaN()})), ErrorKind::kInvalid,
       "output 'y': nan has no JSON form: ask for binary data"},
      {tensor("y", DataType::kBf16, {1}, "ab"), ErrorKind::kInvalid, "output 'y': BF16 has no JSON form: send and ask for it as binary data"},
      {tensor("y", DataType::kBytes, {1}, {"\1\0\0\0\xff", 5}), ErrorKind::kInvalid,
       "output 'y': BYTES that are not UTF-8 have no JSON form: ask for binary data"},
      {tensor("y", DataType::kBytes, {2}, {"\1\0\0\0a", 5}), ErrorKind::kCorrupt, "output 'y': its data is not what its shape says"},
      {tensor("y", DataType::kBytes, {1}, {"\7\0\0\0a", 5}), ErrorKind::kCorrupt, "output 'y': its data is not what its shape says"},
      {tensor("z", DataType::kInt8, {1}, "a"), ErrorKind::kInvalid, "the model has no output 'y'"},
  };
  for (const Row& row : rows) {
    const Result<std::string> written =
        answer(ask_infer(R"({"inputs":[{"name":"x","datatype":"INT8","shape":[0],"data":[]}],"outputs":[{"name":"y"}]})", {}, kAny), {row.output});
    ASSERT_FALSE(written) << row.message;
    EXPECT_EQ(written.error().message, row.message);
    EXPECT_EQ(written.error().kind, row.kind);
  }
}

TEST(InferAnswer, TooMuchText) {
  const Result<Asked> asked = ask_infer(R"({"inputs":[{"name":"x","datatype":"INT8","shape":[0],"data":[]}]})", {}, kAny);
  const size_t count = domain::kTensorTextBytesMax / 4 - 64;
  asked->writer->begin_tensor({.head = {.name = "y", .type = DataType::kUint8, .shape = {static_cast<int64_t>(count)}}, .bytes = count});
  asked->writer->add_bytes({.data = std::string(count, '\xff')});
  const Status checked = asked->writer->check();
  ASSERT_TRUE(checked) << "three digits and a comma just fit: " << checked.error().message;
  const Result<Asked> more = ask_infer(R"({"inputs":[{"name":"x","datatype":"INT8","shape":[0],"data":[]}]})", {}, kAny);
  more->writer->begin_tensor({.head = {.name = "y", .type = DataType::kUint8, .shape = {static_cast<int64_t>(count + 128)}}, .bytes = count + 128});
  more->writer->add_bytes({.data = std::string(count + 128, '\xff')});
  EXPECT_FALSE(more->writer->check());
}

TEST(InferAnswer, Classifies) {
  const Result<Tensor> rows = classify(tensor("y", DataType::kFp32, {2, 3}, bytes_of<float>({0, 2, 1, 5, std::numeric_limits<float>::quiet_NaN(), 5})), 2);
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->head.shape, (std::vector<int64_t>{2, 2}));
  const auto text = [](std::string_view word) { return bytes_of<uint32_t>({static_cast<uint32_t>(word.size())}) + std::string(word); };
  EXPECT_EQ(rows->data, text("2.000000:1") + text("1.000000:2") + text("5.000000:0") + text("5.000000:2"));
  EXPECT_EQ(classify(tensor("y", DataType::kInt8, {2}, "\1\2"), 9)->head.shape, (std::vector<int64_t>{2}));
  EXPECT_TRUE(classify(tensor("y", DataType::kFp32, {0, 3}, ""), 2));
  EXPECT_FALSE(classify(tensor("y", DataType::kBytes, {0}, ""), 2));
}

TEST(Predict, TakesNamesAndTypesFromTheModel) {
  EXPECT_EQ(inputs_of(ask_predict(R"({"instances":[[1,2],[3,4]]})", kKnown)),
            (std::vector{tensor("a", DataType::kFp32, {2, 2}, bytes_of<float>({1, 2, 3, 4}))}));
  EXPECT_EQ(inputs_of(ask_predict(R"({"instances":[{"a":[1,2]}]})", kKnown)), (std::vector{tensor("a", DataType::kFp32, {1, 2}, bytes_of<float>({1, 2}))}));
  EXPECT_EQ(inputs_of(ask_predict(R"({"inputs":[[1,2]]})", kKnown)), (std::vector{tensor("a", DataType::kFp32, {1, 2}, bytes_of<float>({1, 2}))}));
  EXPECT_EQ(inputs_of(ask_predict(R"({"instances":[{"a":[1,2],"b":{"b64":"/w=="}}]})", kTwo)),
            (std::vector{tensor("a", DataType::kFp32, {1, 2}, bytes_of<float>({1, 2})), tensor("b", DataType::kBytes, {1}, {"\1\0\0\0\xff", 5})}));
  struct Row {
    const OipModel& model;
    std::string_view body;
    std::string message;
  };
  const Row rows[] = {
      {kKnown, R"({"instances":[[1,2,3]]})", "input 'a' has the shape [1,3], but the model takes [-1,2], where -1 is any size"},
      {kKnown, R"({"instances":[["x","y"]]})", "input 'a': \"x\" is no FP32"},
      {kTwo, R"({"instances":[[1,2]]})", "each of the 'instances' must be an object: the model takes 2 inputs"},
      {kTwo, R"({"inputs":[[1,2]]})", "'inputs' must be an object: the model takes 2 inputs"},
      {kTwo, R"({"inputs":{"a":[[1,2]]}})", "the input 'b' is missing: the model takes 'a', 'b'"},
  };
  for (const Row& row : rows) {
    const Result<Asked> asked = ask_predict(row.body, row.model);
    ASSERT_FALSE(asked) << row.message;
    EXPECT_EQ(asked.error().message, row.message);
  }
}

TEST(Predict, AnswersInTheFormOfTheRequest) {
  const std::vector<Tensor> two{tensor("p", DataType::kFp32, {2, 2}, bytes_of<float>({1, 2, 3, 4})), tensor("q", DataType::kInt8, {2}, "\1\2")};
  const std::string rows = R"({"instances":[1,2]})";
  EXPECT_EQ(answer(ask_predict(rows, kAny), two), R"({"predictions":[{"p":[1,2],"q":1},{"p":[3,4],"q":2}]})"
                                                  "\n");
  EXPECT_EQ(answer(ask_predict(rows, kAny), {two[0]}), R"({"predictions":[[1,2],[3,4]]})"
                                                       "\n");
  EXPECT_EQ(answer(ask_predict(R"({"inputs":1})", kAny), two), R"({"outputs":{"p":[[1,2],[3,4]],"q":[1,2]}})"
                                                               "\n");
  const Result<std::string> no_rows = answer(ask_predict(rows, kAny), {tensor("p", DataType::kInt8, {}, "\1")});
  ASSERT_FALSE(no_rows);
  EXPECT_EQ(no_rows.error().message, R"(output 'p' has the shape [] and not a row for each of 2 instances: send {"inputs": …} instead)");
  const Result<std::string> cut = answer(ask_predict(rows, kAny), {tensor("p", DataType::kBytes, {2}, {"\1\0\0\0a", 5})});
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().kind, ErrorKind::kCorrupt);
}

TEST(OipModel, IsItsEndpoint) {
  domain::Revision revision;
  revision.spec.name = "m";
  revision.spec.engine = domain::Engine::kOnnx;
  revision.model =
      domain::Model{.name = "file", .version = 3, .digest = {}, .facts = {.inputs = kKnown.inputs, .outputs = kKnown.outputs}, .added = {}, .source = {}};
  EXPECT_EQ(oip_model(revision, false), kKnown);
  EXPECT_FALSE(oip_model(revision, true).ready);
  EXPECT_TRUE(check_version(kKnown, "3"));
  EXPECT_TRUE(check_version(kKnown, ""));
  EXPECT_EQ(check_version(kKnown, "1").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(oip_metadata(kKnown), R"({"name":"m","versions":["3"],"platform":"onnxruntime_onnx","inputs":[{"name":"a","datatype":"FP32","shape":[-1,2]}],)"
                                  R"("outputs":[{"name":"y","datatype":"FP32","shape":[-1]}]})"
                                  "\n");
}

}  // namespace
}  // namespace ebb::wire
