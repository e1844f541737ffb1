// Both directions, field by field.
#include "wire/model_facts_json.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "domain/limits.h"

namespace ebb::wire {

namespace {

using domain::ModelFormat;
using domain::Task;

constexpr int64_t kNumberMax = std::numeric_limits<int64_t>::max();

template <class T>
T word_of(ObjectReader& reader, std::string_view key, std::initializer_list<T> values) {
  const auto word = reader.string(key);
  if (!word) return *values.begin();
  for (const T value : values) {
    if (to_string(value) == *word) return value;
  }
  reader.add_error(key, fmt::format("'{}' is '{}', which this version does not know", reader.path_of(key), word->substr(0, 40)));
  return *values.begin();
}

domain::TensorSpec spec_of(const json::value& value, ObjectReader& parent, std::string_view key) {
  ObjectReader reader(value, parent.path_of(key));
  domain::TensorSpec spec{.name = reader.required_string("name"), .shape = {}};
  const Result<domain::DataType> type = domain::parse_data_type(reader.required_string("datatype"));
  if (type) {
    spec.type = *type;
  } else {
    reader.add_error("datatype", type.error().message);
  }
  if (spec.name.empty() || spec.name.size() > domain::kTensorNameBytesMax) reader.add_error("name", "a tensor's name has a wrong length");
  if (const json::array* shape = reader.array("shape")) {
    for (const json::value& size : *shape) {
      if (!size.is_int64() || size.get_int64() < -1 || spec.shape.size() == domain::kTensorDimensionsMax) {
        reader.add_error("shape", "a tensor's shape has a wrong dimension");
        break;
      }
      spec.shape.push_back(size.get_int64());
    }
  }
  if (!reader.ok()) parent.adopt(reader.error());
  return spec;
}

std::vector<domain::TensorSpec> specs_of(ObjectReader& reader, std::string_view key) {
  std::vector<domain::TensorSpec> specs;
  const json::array* array = reader.array(key);
  if (array == nullptr) return specs;
  if (array->size() > domain::kTensorsMax) reader.add_error(key, fmt::format("'{}' has too many tensors", reader.path_of(key)));
  for (const json::value& value : *array) {
    if (!reader.ok()) break;
    specs.push_back(spec_of(value, reader, key));
  }
  return specs;
}

}  // namespace

json::array to_json(const std::vector<domain::TensorSpec>& specs) {
  json::array array;
  for (const domain::TensorSpec& spec : specs)
    array.push_back({{"name", spec.name}, {"datatype", to_string(spec.type)}, {"shape", json::value_from(spec.shape)}});
  return array;
}

json::value to_json(const domain::ModelFacts& facts) {
  json::object out = {{"format", to_string(facts.format)},
                      {"architecture", facts.architecture},
                      {"title", facts.title},
                      {"quantization", facts.quantization},
                      {"parameters", facts.parameters},
                      {"weights_bytes", facts.weights_bytes},
                      {"layers", facts.layers},
                      {"train_context", facts.train_context},
                      {"vocabulary", facts.vocabulary},
                      {"kv_bytes_per_token", facts.kv_bytes_per_token},
                      {"has_chat_template", facts.has_chat_template},
                      {"pooling", facts.pooling},
                      {"width", facts.width}};
  if (facts.format != ModelFormat::kOnnx) return out;
  out["task"] = to_string(facts.task);
  out["inputs"] = to_json(facts.inputs);
  out["outputs"] = to_json(facts.outputs);
  return out;
}

Result<domain::ModelFacts> model_facts_from_json(const json::value& value, std::string path) {
  ObjectReader reader(value, std::move(path));
  const auto integer = [&reader](std::string_view key, int64_t min) {
    if (!reader.has(key)) reader.add_error(key, "'" + std::string(key) + "' is required");
    return reader.integer(key, min, kNumberMax).value_or(0);
  };
  domain::ModelFacts facts;
  facts.format = word_of(reader, "format", {ModelFormat::kGguf, ModelFormat::kOnnx});
  const bool onnx = facts.format == ModelFormat::kOnnx;
  const int64_t some = onnx ? 0 : 1;  // tensors may be all that is known of an ONNX model
  facts.architecture = reader.required_string("architecture");
  facts.title = reader.required_string("title");
  facts.quantization = reader.required_string("quantization");
  facts.parameters = static_cast<uint64_t>(integer("parameters", 0));
  facts.weights_bytes = static_cast<uint64_t>(integer("weights_bytes", 0));
  facts.layers = integer("layers", some);
  facts.train_context = integer("train_context", some);
  facts.vocabulary = integer("vocabulary", some);
  facts.kv_bytes_per_token = static_cast<uint64_t>(integer("kv_bytes_per_token", 0));
  facts.has_chat_template = reader.boolean("has_chat_template").value_or(false);
  facts.pooling = reader.string("pooling").value_or("");
  facts.width = reader.integer("width", 0, kNumberMax).value_or(0);
  if (onnx) {
    facts.task = word_of(reader, "task", {Task::kTensors, Task::kEmbedding, Task::kTextClassification, Task::kImageClassification});
    facts.inputs = specs_of(reader, "inputs");
    facts.outputs = specs_of(reader, "outputs");
  }
  if (!reader.ok()) return fail(reader.error());
  return facts;
}

}  // namespace ebb::wire
