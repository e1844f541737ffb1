// Requests in, responses out.
#include "grpc_gateway/messages.h"

#include <fmt/format.h>
#include <grpcpp/support/status.h>

#include <algorithm>
#include <limits>

#include "base/utf8.h"
#include "domain/limits.h"
#include "grpc_gateway/inference.pb.h"

namespace ebb::grpc_gateway {

namespace {

using domain::DataType;
using Input = inference::ModelInferRequest::InferInputTensor;

constexpr size_t kErrorBytesMax = 2000;  // a header carries it

std::unexpected<Error> wrong(std::string message) { return fail(ErrorKind::kInvalid, std::move(message), "inputs"); }

template <class T>
void append(std::string& data, T value) {
  data.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// The values of a field of the contents as elements of T, which may be narrower.
template <class T, class Field>
Status append_all(std::string& data, const std::string& name, const Field& field) {
  for (const auto value : field) {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      if (!std::in_range<T>(value)) return wrong(fmt::format("input '{}': {} does not fit its type", name, value));
    }
    append(data, static_cast<T>(value));
  }
  return {};
}

Status append_contents(std::string& data, DataType type, const std::string& name, const inference::InferTensorContents& contents) {
  switch (type) {
    case DataType::kBool: return append_all<bool>(data, name, contents.bool_contents());
    case DataType::kUint8: return append_all<uint8_t>(data, name, contents.uint_contents());
    case DataType::kUint16: return append_all<uint16_t>(data, name, contents.uint_contents());
    case DataType::kUint32: return append_all<uint32_t>(data, name, contents.uint_contents());
    case DataType::kUint64: return append_all<uint64_t>(data, name, contents.uint64_contents());
    case DataType::kInt8: return append_all<int8_t>(data, name, contents.int_contents());
    case DataType::kInt16: return append_all<int16_t>(data, name, contents.int_contents());
    case DataType::kInt32: return append_all<int32_t>(data, name, contents.int_contents());
    case DataType::kInt64: return append_all<int64_t>(data, name, contents.int64_contents());
    case DataType::kFp32: return append_all<float>(data, name, contents.fp32_contents());
    case DataType::kFp64: return append_all<double>(data, name, contents.fp64_contents());
    case DataType::kBytes:
      for (const std::string& element : contents.bytes_contents()) {
        append(data, static_cast<uint32_t>(element.size()));
        data += element;
      }
      return {};
    case DataType::kFp16:
    case DataType::kBf16: break;
  }
  return wrong(fmt::format("input '{}': {} has no contents of its own: send it in raw_input_contents", name, to_string(type)));
}

template <class Parameters>
Status refuse_shared_memory(const Parameters& parameters) {
  for (const auto& [key, value] : parameters) {
    if (key.starts_with("shared_memory")) return wrong("shared memory is not supported: send the data in the request");
  }
  return {};
}

Result<domain::Tensor> read_input(Input& input, std::string* raw) {
  if (input.name().empty() || input.name().size() > domain::kTensorNameBytesMax)
    return wrong(fmt::format("an input's name must have 1 to {} bytes", domain::kTensorNameBytesMax));
  if (Status refused = refuse_shared_memory(input.parameters()); !refused) return fail(refused.error());
  const Result<DataType> type = domain::parse_data_type(input.datatype());
  if (!type) return fail(type.error());
  domain::Tensor tensor{.head = {.name = input.name(), .type = *type, .shape = {input.shape().begin(), input.shape().end()}}, .data = {}};
  if (raw != nullptr) {
    tensor.data = std::move(*raw);
  } else if (Status read = append_contents(tensor.data, *type, tensor.head.name, input.contents()); !read) {
    return fail(read.error());
  }
  if (Status checked = domain::check_tensor(tensor); !checked) return fail(checked.error());
  return tensor;
}

Status read_inputs(inference::ModelInferRequest& request, std::vector<domain::Tensor>& inputs) {
  if (request.inputs().empty() || std::cmp_greater(request.inputs_size(), domain::kTensorsMax))
    return wrong(fmt::format("'inputs' must be a list of 1 to {} tensors", domain::kTensorsMax));
  const bool raw = !request.raw_input_contents().empty();
  if (raw && request.raw_input_contents_size() != request.inputs_size())
    return wrong(fmt::format("there are {} raw_input_contents for {} inputs", request.raw_input_contents_size(), request.inputs_size()));
  size_t bytes = 0;
  for (int i = 0; i < request.inputs_size(); ++i) {
    if (raw && request.inputs(i).has_contents()) return wrong(fmt::format("input '{}' has contents beside raw_input_contents", request.inputs(i).name()));
    Result<domain::Tensor> tensor = read_input(*request.mutable_inputs(i), raw ? request.mutable_raw_input_contents(i) : nullptr);
    if (!tensor) return fail(tensor.error());
    const auto same = [&](const domain::Tensor& other) { return other.head.name == tensor->head.name; };
    if (std::ranges::any_of(inputs, same)) return wrong(fmt::format("the input '{}' is there twice", tensor->head.name));
    bytes += tensor->data.size();
    if (bytes > domain::kTensorInputBytesMax)
      return fail(ErrorKind::kTooLarge, fmt::format("the inputs have over {} MiB", domain::kTensorInputBytesMax >> 20U), "inputs");
    inputs.push_back(std::move(*tensor));
  }
  return {};
}

Status read_outputs(const inference::ModelInferRequest& request, Ask& ask) {
  if (std::cmp_greater(request.outputs_size(), domain::kTensorsMax)) return wrong(fmt::format("'outputs' has over {} names", domain::kTensorsMax));
  for (const auto& output : request.outputs()) {
    if (Status refused = refuse_shared_memory(output.parameters()); !refused) return refused;
    const auto classes = output.parameters().find("classification");
    const int64_t count = classes == output.parameters().end() ? 0 : classes->second.int64_param();
    if (count < 0 || count > domain::kLabelsMax) return wrong(fmt::format("'classification' must be between 0 and {}", domain::kLabelsMax));
    if (std::ranges::find(ask.tensors.outputs, output.name()) != ask.tensors.outputs.end())
      return wrong(fmt::format("the output '{}' is there twice", output.name()));
    ask.tensors.outputs.push_back(output.name());
    ask.outputs.push_back({.name = output.name(), .classes = count});
  }
  return {};
}

grpc::StatusCode code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
    case ErrorKind::kTooLarge:
    case ErrorKind::kPoison: return grpc::StatusCode::INVALID_ARGUMENT;
    case ErrorKind::kUnauthorized: return grpc::StatusCode::UNAUTHENTICATED;
    case ErrorKind::kForbidden: return grpc::StatusCode::PERMISSION_DENIED;
    case ErrorKind::kNotFound: return grpc::StatusCode::NOT_FOUND;
    case ErrorKind::kExists: return grpc::StatusCode::ALREADY_EXISTS;
    case ErrorKind::kOverloaded:
    case ErrorKind::kQuota: return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case ErrorKind::kCancelled: return grpc::StatusCode::CANCELLED;
    case ErrorKind::kExhausted:
    case ErrorKind::kFunction:
    case ErrorKind::kUnavailable: return grpc::StatusCode::UNAVAILABLE;
    case ErrorKind::kTimeout: return grpc::StatusCode::DEADLINE_EXCEEDED;
    case ErrorKind::kCorrupt:
    case ErrorKind::kIo:
    case ErrorKind::kInternal: break;
  }
  return grpc::StatusCode::INTERNAL;
}

void write_tensors(const std::vector<domain::TensorSpec>& specs, google::protobuf::RepeatedPtrField<inference::ModelMetadataResponse::TensorMetadata>& out) {
  for (const domain::TensorSpec& spec : specs) {
    auto* to = out.Add();
    to->set_name(spec.name);
    to->set_datatype(std::string(to_string(spec.type)));
    to->mutable_shape()->Add(spec.shape.begin(), spec.shape.end());
  }
}

}  // namespace

Result<Ask> read_infer(inference::ModelInferRequest& request) {
  Ask ask{.model = request.model_name(), .version = request.model_version(), .id = request.id(), .tensors = {}, .outputs = {}, .timeout = std::nullopt};
  if (const auto timeout = request.parameters().find("timeout"); timeout != request.parameters().end()) {
    const int64_t time = timeout->second.int64_param();
    if (time < 0 || microseconds(time) > domain::kCallTimeMax)
      return fail(ErrorKind::kInvalid, "the parameter 'timeout' is in microseconds, and at most a day", "timeout");
    if (time > 0) ask.timeout = std::chrono::ceil<milliseconds>(microseconds(time));
  }
  const auto mark = request.parameters().find("triton_enable_empty_final_response");
  ask.wants_final_mark = mark != request.parameters().end() && mark->second.bool_param();
  if (Status read = read_inputs(request, ask.tensors.inputs); !read) return fail(read.error());
  if (Status read = read_outputs(request, ask); !read) return fail(read.error());
  return ask;
}

ResponseWriter::ResponseWriter(const Ask& ask, const wire::OipModel& model, inference::ModelInferResponse& response)
    : outputs_(ask.outputs), response_(response) {
  response_.set_model_name(model.name);
  response_.set_model_version(model.version);
  response_.set_id(ask.id);
  if (ask.wants_final_mark) (*response_.mutable_parameters())["triton_final_response"].set_bool_param(true);
}

void ResponseWriter::begin_tensor(const domain::TensorStart& start) {
  auto* output = response_.add_outputs();
  output->set_name(start.head.name);
  output->set_datatype(std::string(to_string(start.head.type)));
  output->mutable_shape()->Add(start.head.shape.begin(), start.head.shape.end());
  response_.add_raw_output_contents()->reserve(start.bytes);
}

void ResponseWriter::add_bytes(const domain::Bytes& bytes) {
  if (response_.raw_output_contents_size() > 0) response_.mutable_raw_output_contents()->rbegin()->append(bytes.data);
}

Status ResponseWriter::finish() {
  for (const WantedOutput& wanted : outputs_) {
    int at = 0;
    while (at < response_.outputs_size() && response_.outputs(at).name() != wanted.name)
      ++at;
    if (at == response_.outputs_size()) return fail(ErrorKind::kInvalid, fmt::format("the model has no output '{}'", wanted.name), "outputs");
    if (wanted.classes == 0) continue;
    auto* output = response_.mutable_outputs(at);
    const Result<domain::DataType> type = domain::parse_data_type(output->datatype());
    if (!type) return fail(type.error());
    const domain::TensorHead head{.name = wanted.name, .type = *type, .shape = {output->shape().begin(), output->shape().end()}};
    Result<domain::Tensor> classes = wire::classify({.head = head, .data = response_.raw_output_contents(at)}, wanted.classes);
    if (!classes) return fail(classes.error());
    output->set_datatype(std::string(to_string(classes->head.type)));
    output->mutable_shape()->Assign(classes->head.shape.begin(), classes->head.shape.end());
    response_.set_raw_output_contents(at, std::move(classes->data));
  }
  return {};
}

void write_metadata(const wire::OipModel& model, inference::ModelMetadataResponse& response) {
  response.set_name(model.name);
  response.add_versions(model.version);
  response.set_platform(model.platform);
  write_tensors(model.inputs, *response.mutable_inputs());
  write_tensors(model.outputs, *response.mutable_outputs());
}

grpc::Status status_of(const Error& error) {
  std::string_view message = std::string_view(error.message).substr(0, kErrorBytesMax);
  message.remove_suffix(unfinished_utf8(message));
  return {code_of(error.kind), std::string(message)};
}

}  // namespace ebb::grpc_gateway
