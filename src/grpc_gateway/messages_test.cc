// Messages to tensors and back, and errors to statuses.
#include "grpc_gateway/messages.h"

#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include "domain/limits.h"
#include "grpc_gateway/inference.pb.h"

namespace ebb::grpc_gateway {
namespace {

using Request = inference::ModelInferRequest;

Request request_of(const std::string& type, std::initializer_list<int64_t> shape, std::initializer_list<std::string> raw) {
  Request request;
  request.set_model_name("m");
  auto* input = request.add_inputs();
  input->set_name("x");
  input->set_datatype(type);
  input->mutable_shape()->Add(shape.begin(), shape.end());
  for (const std::string& data : raw)
    request.add_raw_input_contents(data);
  return request;
}

TEST(ReadInfer, RawContents) {
  Request request = request_of("BF16", {1, 2}, {"abcd"});
  (*request.mutable_parameters())["timeout"].set_int64_param(1500);
  const Result<Ask> ask = read_infer(request);
  ASSERT_TRUE(ask) << ask.error().message;
  EXPECT_EQ(ask->tensors.inputs, (std::vector<domain::Tensor>{{.head = {.name = "x", .type = domain::DataType::kBf16, .shape = {1, 2}}, .data = "abcd"}}));
  EXPECT_EQ(ask->timeout, milliseconds(2)) << "microseconds, rounded up";
  EXPECT_EQ(ask->model, "m");
}

TEST(ReadInfer, TypedContents) {
  Request request = request_of("INT16", {2}, {});
  request.mutable_inputs(0)->mutable_contents()->add_int_contents(-32768);
  request.mutable_inputs(0)->mutable_contents()->add_int_contents(1);
  EXPECT_EQ(read_infer(request)->tensors.inputs[0].data, std::string("\0\x80\1\0", 4));
  request = request_of("INT16", {1}, {});
  request.mutable_inputs(0)->mutable_contents()->add_int_contents(32768);
  EXPECT_EQ(read_infer(request).error().message, "input 'x': 32768 does not fit its type");
}

TEST(ReadInfer, Refuses) {
  const std::pair<Request, std::string> rows[] = {
      {Request(), "'inputs' must be a list of 1 to 256 tensors"},
      {request_of("INT8", {1}, {"a", "b"}), "there are 2 raw_input_contents for 1 inputs"},
      {request_of("INT8", {2}, {"a"}), "tensor 'x': INT8 of shape [2] takes 2 bytes and there are 1"},
      {request_of("INT8", {-1}, {"a"}), "tensor 'x': a shape has the negative dimension -1"},
      {request_of("FP16", {1}, {}), "input 'x': FP16 has no contents of its own: send it in raw_input_contents"},
      {request_of("UINT8", {12 * 1024 * 1024 + 1}, {std::string(12 * 1024 * 1024 + 1, 'x')}), "the inputs have over 12 MiB"},
  };
  for (const auto& [request, message] : rows) {
    Request copy = request;
    const Result<Ask> ask = read_infer(copy);
    ASSERT_FALSE(ask) << message;
    EXPECT_EQ(ask.error().message, message);
  }
  Request shared = request_of("INT8", {1}, {"a"});
  (*shared.mutable_inputs(0)->mutable_parameters())["shared_memory_region"].set_string_param("r");
  EXPECT_EQ(read_infer(shared).error().message, "shared memory is not supported: send the data in the request");
}

TEST(Response, IsRawAndWhole) {
  const wire::OipModel model{.name = "m", .version = "3"};
  inference::ModelInferResponse response;
  Ask ask{.model = "m", .id = "7", .outputs = {{.name = "y", .classes = 1}}};
  ResponseWriter writer(ask, model, response);
  writer.begin_tensor({.head = {.name = "y", .type = domain::DataType::kInt8, .shape = {3}}, .bytes = 3});
  writer.add_bytes({.data = "\1\3"});
  writer.add_bytes({.data = "\2"});
  ASSERT_TRUE(writer.finish());
  EXPECT_EQ(response.id(), "7");
  EXPECT_EQ(response.model_version(), "3");
  EXPECT_EQ(response.outputs(0).datatype(), "BYTES");
  EXPECT_EQ(response.raw_output_contents(0), std::string("\x0a\0\0\0"
                                                         "3.000000:1",
                                                         14));
  inference::ModelInferResponse none;
  EXPECT_EQ(ResponseWriter(ask, model, none).finish().error().message, "the model has no output 'y'");
}

TEST(StatusOf, SaysWhatIsWrongInWholeCharacters) {
  const grpc::Status status = status_of({.kind = ErrorKind::kTimeout, .message = std::string(1999, 'a') + "ä"});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(status.error_message(), std::string(1999, 'a'));
  EXPECT_EQ(status_of({.kind = ErrorKind::kNotFound}).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status_of({.kind = ErrorKind::kInvalid}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace ebb::grpc_gateway
