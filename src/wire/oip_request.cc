// POST …/infer: JSON, then the binary data that it announces.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "domain/limits.h"
#include "wire/loose_json.h"
#include "wire/oip.h"
#include "wire/oip_writer.h"
#include "wire/tensor_json.h"

namespace ebb::wire {

namespace {

// The binary data behind the JSON: tensors take theirs in order.
struct Tail {
  std::string_view bytes;
  bool there = false;  // the header announced it
};

std::vector<int64_t> read_shape(ObjectReader& reader) {
  std::vector<int64_t> shape;
  const json::array* sizes = reader.array("shape");
  if (sizes == nullptr) {
    reader.add_error("shape", fmt::format("'{}' is required", reader.path_of("shape")));
    return shape;
  }
  for (const json::value& size : *sizes) {
    json::error_code error;
    const auto whole = size.is_number() ? size.to_number<int64_t>(error) : -1;
    if (error || whole < 0) reader.add_error("shape", fmt::format("'{}' must be a list of whole numbers from 0 on", reader.path_of("shape")));
    shape.push_back(whole);
  }
  if (Result<int64_t> count = domain::element_count(shape); !count) reader.add_error("shape", count.error().message);
  return shape;
}

void refuse_shared_memory(ObjectReader& reader, const json::object& parameters) {
  for (const auto& field : parameters) {
    if (std::string_view(field.key()).starts_with("shared_memory"))
      reader.add_error(field.key(), "shared memory is not supported: send the data in the request");
  }
}

domain::TensorHead read_head(ObjectReader& reader) {
  domain::TensorHead head{.name = reader.required_string("name"), .type = {}, .shape = {}};
  if (reader.ok() && (head.name.empty() || head.name.size() > domain::kTensorNameBytesMax))
    reader.add_error("name", fmt::format("'{}' must have 1 to {} bytes", reader.path_of("name"), domain::kTensorNameBytesMax));
  const std::string word = reader.required_string("datatype");
  if (!reader.ok()) return head;
  const Result<domain::DataType> type = domain::parse_data_type(word);
  if (type) {
    head.type = *type;
  } else {
    reader.add_error("datatype", type.error().message);
  }
  head.shape = read_shape(reader);
  return head;
}

std::optional<int64_t> read_binary_size(ObjectReader& reader) {
  const json::object* parameters = reader.object("parameters");
  if (parameters == nullptr) return std::nullopt;
  ObjectReader inner(*reader.find("parameters"), reader.path_of("parameters"));
  refuse_shared_memory(inner, *parameters);
  const auto size = inner.integer("binary_data_size", 0, domain::kTensorBytesMax);
  if (!inner.ok()) reader.adopt(inner.error());
  return size;
}

void take_binary(ObjectReader& reader, const domain::TensorHead& head, int64_t size, Tail& tail, std::string& data) {
  if (!tail.there && size > 0) {
    reader.add_error(
        "parameters.binary_data_size",
        fmt::format("input '{}' has binary data, but there is no header Inference-Header-Content-Length: without it the whole body is JSON", head.name));
  } else if (std::cmp_greater(size, tail.bytes.size())) {
    reader.add_error("parameters.binary_data_size",
                     fmt::format("input '{}' has {} bytes of binary data, but only {} are left in the body", head.name, size, tail.bytes.size()));
  } else {
    data = tail.bytes.substr(0, static_cast<size_t>(size));
    tail.bytes.remove_prefix(static_cast<size_t>(size));
  }
}

domain::Tensor read_input(const json::value& value, std::string path, Tail& tail, ObjectReader& parent) {
  ObjectReader reader(value, std::move(path));
  domain::Tensor tensor{.head = read_head(reader), .data = {}};
  const std::optional<int64_t> size = reader.ok() ? read_binary_size(reader) : std::nullopt;
  const json::value* data = reader.find("data");
  if (!reader.ok()) {
    parent.adopt(reader.error());
    return tensor;
  }
  if (size && data != nullptr) {
    reader.add_error("data", fmt::format("input '{}' has both 'data' and binary data", tensor.head.name));
  } else if (size) {
    take_binary(reader, tensor.head, *size, tail, tensor.data);
  } else if (data == nullptr) {
    reader.add_error("data", fmt::format("input '{}' has neither 'data' nor the parameter 'binary_data_size'", tensor.head.name));
  } else if (Result<std::string> elements = read_elements(*data, tensor.head, reader.path_of("data"))) {
    tensor.data = std::move(*elements);
  } else {
    reader.adopt(elements.error());
  }
  if (reader.ok()) {
    if (Status checked = domain::check_tensor(tensor); !checked) reader.adopt(checked.error());
  }
  if (!reader.ok()) parent.adopt(reader.error());
  return tensor;
}

std::vector<domain::Tensor> read_inputs(ObjectReader& reader, Tail& tail) {
  std::vector<domain::Tensor> inputs;
  const json::array* list = reader.array("inputs");
  if (list == nullptr || list->empty() || list->size() > domain::kTensorsMax) {
    reader.add_error("inputs", fmt::format("'inputs' must be a list of 1 to {} tensors", domain::kTensorsMax));
    return inputs;
  }
  size_t bytes = 0;
  for (const json::value& value : *list) {
    domain::Tensor tensor = read_input(value, fmt::format("inputs[{}]", inputs.size()), tail, reader);
    bytes += tensor.data.size();
    const auto same = [&](const domain::Tensor& other) { return other.head.name == tensor.head.name; };
    if (std::ranges::any_of(inputs, same)) reader.add_error("inputs", fmt::format("the input '{}' is there twice", tensor.head.name));
    if (bytes > domain::kTensorInputBytesMax)
      reader.adopt(
          {.kind = ErrorKind::kTooLarge, .message = fmt::format("the inputs have over {} MiB", domain::kTensorInputBytesMax >> 20U), .param = "inputs"});
    if (!reader.ok()) return inputs;
    inputs.push_back(std::move(tensor));
  }
  if (!tail.bytes.empty()) reader.add_error("inputs", fmt::format("the body has {} bytes after its last tensor", tail.bytes.size()));
  return inputs;
}

WantedOutput read_output(const json::value& value, std::string path, ObjectReader& parent) {
  ObjectReader reader(value, std::move(path));
  WantedOutput output{.name = reader.required_string("name"), .binary = {}};
  if (const json::object* parameters = reader.object("parameters")) {
    ObjectReader inner(*reader.find("parameters"), reader.path_of("parameters"));
    refuse_shared_memory(inner, *parameters);
    output.binary = inner.boolean("binary_data");
    output.classes = inner.integer("classification", 0, domain::kLabelsMax).value_or(0);
    if (!inner.ok()) reader.adopt(inner.error());
  }
  if (!reader.ok()) parent.adopt(reader.error());
  return output;
}

std::vector<WantedOutput> read_outputs(ObjectReader& reader) {
  std::vector<WantedOutput> outputs;
  const json::array* list = reader.array("outputs");
  if (list == nullptr) return outputs;
  if (list->size() > domain::kTensorsMax) reader.add_error("outputs", fmt::format("'outputs' has over {} names", domain::kTensorsMax));
  for (const json::value& value : *list) {
    if (!reader.ok()) break;
    WantedOutput output = read_output(value, fmt::format("outputs[{}]", outputs.size()), reader);
    if (std::ranges::find(outputs, output.name, &WantedOutput::name) != outputs.end())
      reader.add_error("outputs", fmt::format("the output '{}' is there twice", output.name));
    outputs.push_back(std::move(output));
  }
  return outputs;
}

bool is_printable(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7f && c != ','; });
}

// `timeout` in microseconds is the caller's deadline; sequences have no effect here, nor has what only one model knows.
void read_parameters(ObjectReader& reader, domain::Call& call, InferAnswer& answer, std::vector<std::string>& ignored) {
  const json::object* parameters = reader.object("parameters");
  if (parameters == nullptr) return;
  ObjectReader inner(*reader.find("parameters"), "parameters");
  answer.binary = inner.boolean("binary_data_output").value_or(false);
  if (const auto timeout = inner.integer("timeout", 0, microseconds(domain::kCallTimeMax).count()); timeout.value_or(0) > 0)
    call.deadline = std::chrono::ceil<milliseconds>(microseconds(*timeout));
  for (const auto& field : *parameters) {
    const std::string_view name = field.key();
    const bool known = name == "binary_data_output" || name == "timeout";
    if (!known && is_printable(name) && name.size() <= domain::kToolNameBytesMax && ignored.size() < kIgnoredMax) ignored.emplace_back(name);
  }
  if (!inner.ok()) reader.adopt(inner.error());
}

Result<std::pair<std::string_view, Tail>> split(std::string_view body, const InferHead& head) {
  if (head.json_bytes.value_or(0) > body.size())
    return fail(ErrorKind::kInvalid, fmt::format("Inference-Header-Content-Length says {} bytes, but the body has {}", *head.json_bytes, body.size()),
                "Inference-Header-Content-Length");
  const std::string_view text = body.substr(0, head.json_bytes.value_or(body.size()));
  if (text.size() > domain::kHttpBodyBytesMax)
    return fail(ErrorKind::kTooLarge, fmt::format("the JSON has over {} MiB: send large tensors as binary data", domain::kHttpBodyBytesMax >> 20U));
  return std::pair{text, Tail{.bytes = body.substr(text.size()), .there = head.json_bytes.has_value()}};
}

}  // namespace

Result<size_t> parse_json_bytes(std::string_view header) {
  size_t bytes = 0;
  const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), bytes);
  if (header.empty() || error != std::errc{} || end != header.data() + header.size())
    return fail(ErrorKind::kInvalid, "Inference-Header-Content-Length must be the number of bytes of the JSON", "Inference-Header-Content-Length");
  return bytes;
}

Result<Asked> ask_infer(std::string_view body, const InferHead& head, const OipModel& model) {
  Result<std::pair<std::string_view, Tail>> parts = split(body, head);
  if (!parts) return fail(parts.error());
  Result<json::value> value = parse_loose_json(parts->first);
  if (!value) return fail(value.error());
  ObjectReader reader(*value, "");
  if (!reader.ok()) return fail(reader.error());
  Asked asked;
  domain::Call call;
  call.endpoint = model.name;
  InferAnswer answer{.model = model.name, .version = model.version, .id = reader.string("id"), .outputs = {}, .accepted = head.accepted};
  read_parameters(reader, call, answer, asked.ignored);
  answer.outputs = read_outputs(reader);
  domain::Tensors tensors;
  if (reader.ok()) tensors.inputs = read_inputs(reader, parts->second);
  for (const WantedOutput& output : answer.outputs)
    tensors.outputs.push_back(output.name);
  if (!reader.ok()) return fail(reader.error());
  if (Status checked = check_tensors(model, tensors); !checked) return fail(checked.error());
  call.input = std::move(tensors);
  asked.calls.push_back(std::move(call));
  asked.writer = infer_writer(std::move(answer));
  return asked;
}

}  // namespace ebb::wire
