// POST /v1/models/{m}:predict: instances by rows, or inputs by columns, and predictions in the same form.
//
// JSON says neither names nor types: the model's facts do. Where nothing is known about the model, a number without a fraction is INT64, another one
// FP64, and a single tensor is called as its field.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "domain/limits.h"
#include "wire/loose_json.h"
#include "wire/oip.h"
#include "wire/tensor_json.h"

namespace ebb::wire {

namespace {

enum class Form { kRows, kColumns };

// --- the answer ---

// One element after the other of a tensor, as JSON.
class Elements {
 public:
  explicit Elements(const domain::Tensor& tensor) : tensor_(tensor), rest_(tensor.data) {}

  // All that is below `depth` of the shape at the place that was reached.
  Status append(std::string& out, size_t depth) {
    if (depth == tensor_.head.shape.size()) {
      const size_t length = first_element_bytes(tensor_.head.type, rest_);
      if (length == 0) return fail(ErrorKind::kCorrupt, "its data ends before its shape does");  // of BYTES a worker may say anything
      const Status written = append_json(out, tensor_.head.type, rest_.substr(0, length), BytesForm::kTextOrBase64);
      rest_.remove_prefix(length);
      return written;
    }
    out += '[';
    for (int64_t i = 0; i < tensor_.head.shape[depth]; ++i) {
      if (i > 0) out += ',';
      if (Status written = append(out, depth + 1); !written) return written;
      if (out.size() > domain::kTensorTextBytesMax)
        return fail(ErrorKind::kInvalid,
                    fmt::format("the answer has over {} MiB as JSON: ask for it by the protocol's version 2", domain::kTensorTextBytesMax >> 20U));
    }
    out += ']';
    return {};
  }

 private:
  const domain::Tensor& tensor_;
  std::string_view rest_;
};

class PredictWriter final : public WholeWriter {
 public:
  PredictWriter(Form form, size_t rows) : form_(form), rows_(rows) {}

  void begin_tensor(const domain::TensorStart& start) override { outputs_.push_back({.head = start.head, .data = {}}); }
  void add_bytes(const domain::Bytes& bytes) override { outputs_.back().data += bytes.data; }

  Status check() override {
    std::vector<Elements> elements(outputs_.begin(), outputs_.end());
    return form_ == Form::kRows ? write_rows(elements) : write_columns(elements);
  }

  std::string whole(const Answered& /*answered*/) override { return std::move(body_); }

 private:
  Status write_rows(std::vector<Elements>& elements) {
    for (const domain::Tensor& output : outputs_) {
      if (output.head.shape.empty() || std::cmp_not_equal(output.head.shape.front(), rows_))
        return wrong(output, fmt::format("has the shape [{}] and not a row for each of {} instances: send {{\"inputs\": …}} instead",
                                         fmt::join(output.head.shape, ","), rows_));
    }
    body_ = R"({"predictions":[)";
    for (size_t row = 0; row < rows_; ++row) {
      if (row > 0) body_ += ',';
      if (Status written = write_named(elements, 1); !written) return written;
    }
    body_ += "]}\n";
    return {};
  }

  Status write_columns(std::vector<Elements>& elements) {
    body_ = R"({"outputs":)";
    if (Status written = write_named(elements, 0); !written) return written;
    body_ += "}\n";
    return {};
  }

  // A single output stands for itself, several under their names.
  Status write_named(std::vector<Elements>& elements, size_t depth) {
    const bool single = outputs_.size() == 1;
    if (!single) body_ += '{';
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (!single) body_ += fmt::format("{}{}:", i == 0 ? "" : ",", json::serialize(json::value(outputs_[i].head.name)));
      if (Status written = elements[i].append(body_, depth); !written)
        return fail(written.error().kind, fmt::format("output '{}': {}", outputs_[i].head.name, written.error().message), "outputs");
    }
    if (!single) body_ += '}';
    return {};
  }

  static Status wrong(const domain::Tensor& output, std::string_view what) {
    return fail(ErrorKind::kInvalid, fmt::format("output '{}' {}", output.head.name, what), "outputs");
  }

  Form form_;
  size_t rows_;
  std::vector<domain::Tensor> outputs_;
  std::string body_;
};

// --- the request ---

// Follows the first elements down.
std::vector<int64_t> shape_of(const json::value& value) {
  std::vector<int64_t> shape;
  for (const json::value* at = &value; at->is_array() && shape.size() <= domain::kTensorDimensionsMax; at = &at->get_array().front()) {
    shape.push_back(static_cast<int64_t>(at->get_array().size()));
    if (at->get_array().empty()) break;
  }
  return shape;
}

bool any_fraction(const json::value& value) {
  if (const json::array* list = value.if_array()) return std::ranges::any_of(*list, any_fraction);
  return value.is_double() || value.is_string();  // "NaN": see loose_json.h
}

domain::DataType guessed_type(const json::value& value) {
  const json::value* first = &value;
  while (first->is_array() && !first->get_array().empty())
    first = &first->get_array().front();
  if (first->is_bool()) return domain::DataType::kBool;
  if (first->is_string() || first->is_object()) return domain::DataType::kBytes;
  return any_fraction(value) ? domain::DataType::kFp64 : domain::DataType::kInt64;
}

class TensorReader {
 public:
  explicit TensorReader(domain::Tensor& tensor) : tensor_(tensor) {}

  Status read(const json::value& value, size_t depth) {
    if (depth == tensor_.head.shape.size()) {
      if (Status read = append_element(tensor_.data, tensor_.head.type, value, BytesForm::kTextOrBase64); !read)
        return fail(ErrorKind::kInvalid, fmt::format("input '{}': {}", tensor_.head.name, read.error().message), "inputs");
      return {};
    }
    const json::array* list = value.if_array();
    if (list == nullptr || std::cmp_not_equal(list->size(), tensor_.head.shape[depth]))
      return wrong(fmt::format("is not a regular list: its first elements have the shape [{}], others have not", fmt::join(tensor_.head.shape, ",")));
    for (const json::value& element : *list) {
      if (Status read = this->read(element, depth + 1); !read) return read;
    }
    return {};
  }

 private:
  Status wrong(std::string_view what) const { return fail(ErrorKind::kInvalid, fmt::format("input '{}' {}", tensor_.head.name, what), "inputs"); }

  domain::Tensor& tensor_;
};

const domain::TensorSpec* spec_of(const OipModel& model, std::string_view name) {
  const auto found = std::ranges::find(model.inputs, name, &domain::TensorSpec::name);
  return found == model.inputs.end() ? nullptr : &*found;
}

Result<domain::Tensor> read_tensor(const OipModel& model, std::string name, const json::value& value) {
  if (name.empty() || name.size() > domain::kTensorNameBytesMax)
    return fail(ErrorKind::kInvalid, fmt::format("an input's name must have 1 to {} bytes", domain::kTensorNameBytesMax), "inputs");
  const domain::TensorSpec* spec = spec_of(model, name);
  domain::Tensor tensor{.head = {.name = std::move(name), .type = spec != nullptr ? spec->type : guessed_type(value), .shape = shape_of(value)}, .data = {}};
  if (const Result<int64_t> count = domain::element_count(tensor.head.shape); !count) return fail(count.error());
  if (Status read = TensorReader(tensor).read(value, 0); !read) return fail(read.error());
  return tensor;
}

std::string single_name(const OipModel& model, std::string_view field) { return model.inputs.empty() ? std::string(field) : model.inputs.front().name; }

bool is_named(const json::value& value) { return value.is_object() && !value.get_object().contains("b64"); }

Result<std::vector<domain::Tensor>> read_columns(const OipModel& model, const json::value& value) {
  std::vector<domain::Tensor> inputs;
  const auto add = [&](std::string name, const json::value& column) -> Status {
    Result<domain::Tensor> tensor = read_tensor(model, std::move(name), column);
    if (!tensor) return fail(tensor.error());
    inputs.push_back(std::move(*tensor));
    return {};
  };
  if (!is_named(value)) {
    if (model.inputs.size() > 1)
      return fail(ErrorKind::kInvalid, fmt::format("'inputs' must be an object: the model takes {} inputs", model.inputs.size()), "inputs");
    if (Status added = add(single_name(model, "inputs"), value); !added) return fail(added.error());
    return inputs;
  }
  if (value.get_object().size() > domain::kTensorsMax)
    return fail(ErrorKind::kInvalid, fmt::format("'inputs' has over {} names", domain::kTensorsMax), "inputs");
  for (const auto& column : value.get_object()) {
    if (Status added = add(std::string(column.key()), column.value()); !added) return fail(added.error());
  }
  return inputs;
}

// The rows' values under each name as one column; takes them out of the rows.
Result<json::value> columns_of(const OipModel& model, json::array& rows) {
  json::object columns;
  if (!is_named(rows.front())) {
    if (model.inputs.size() > 1)
      return fail(ErrorKind::kInvalid, fmt::format("each of the 'instances' must be an object: the model takes {} inputs", model.inputs.size()), "instances");
    columns.emplace(single_name(model, "instances"), std::move(rows));
    return columns;
  }
  for (const auto& field : rows.front().get_object())
    columns.emplace(field.key(), json::array());
  for (size_t i = 0; i < rows.size(); ++i) {
    json::object* row = rows[i].if_object();
    if (row == nullptr || row->size() != columns.size())
      return fail(ErrorKind::kInvalid, fmt::format("'instances[{}]' has not the same names as 'instances[0]'", i), "instances");
    for (auto& field : *row) {
      json::value* column = columns.if_contains(field.key());
      if (column == nullptr)
        return fail(ErrorKind::kInvalid, fmt::format("'instances[{}]' has the name '{}', which 'instances[0]' has not", i, std::string_view(field.key())),
                    "instances");
      column->get_array().push_back(std::move(field.value()));
    }
  }
  return columns;
}

struct Read {
  Form form = Form::kRows;
  size_t rows = 0;
  std::vector<domain::Tensor> inputs;
};

Result<Read> read_body(const OipModel& model, json::object& object) {
  json::value* instances = object.if_contains("instances");
  const json::value* inputs = object.if_contains("inputs");
  if ((instances == nullptr) == (inputs == nullptr)) return fail(ErrorKind::kInvalid, "the body must have either 'instances' or 'inputs'", "instances");
  if (inputs != nullptr) {
    Result<std::vector<domain::Tensor>> read = read_columns(model, *inputs);
    if (!read) return fail(read.error());
    return Read{.form = Form::kColumns, .inputs = std::move(*read)};
  }
  json::array* rows = instances->if_array();
  if (rows == nullptr || rows->empty()) return fail(ErrorKind::kInvalid, "'instances' must be a list of at least one", "instances");
  const size_t count = rows->size();
  const Result<json::value> columns = columns_of(model, *rows);
  if (!columns) return fail(columns.error());
  Result<std::vector<domain::Tensor>> read = read_columns(model, *columns);
  if (!read) return fail(read.error());
  return Read{.form = Form::kRows, .rows = count, .inputs = std::move(*read)};
}

}  // namespace

Result<Asked> ask_predict(std::string_view body, const OipModel& model) {
  if (body.size() > domain::kHttpBodyBytesMax)
    return fail(ErrorKind::kTooLarge,
                fmt::format("the JSON has over {} MiB: send large tensors as binary data, by the protocol's version 2", domain::kHttpBodyBytesMax >> 20U));
  Result<json::value> value = parse_loose_json(body);
  if (!value) return fail(value.error());
  if (!value->is_object()) return fail(ErrorKind::kInvalid, "the body must be an object");
  Result<Read> read = read_body(model, value->get_object());
  if (!read) return fail(read.error());
  domain::Tensors tensors{.inputs = std::move(read->inputs), .outputs = {}};
  if (Status checked = check_tensors(model, tensors); !checked) return fail(checked.error());
  size_t bytes = 0;
  for (const domain::Tensor& tensor : tensors.inputs)
    bytes += tensor.data.size();
  if (bytes > domain::kTensorInputBytesMax)
    return fail(ErrorKind::kTooLarge, fmt::format("the inputs have over {} MiB", domain::kTensorInputBytesMax >> 20U), "inputs");
  Asked asked;
  domain::Call call;
  call.endpoint = model.name;
  call.input = std::move(tensors);
  asked.calls.push_back(std::move(call));
  if (value->get_object().contains("signature_name")) asked.ignored.emplace_back("signature_name");
  asked.writer = std::make_unique<PredictWriter>(read->form, read->rows);
  return asked;
}

}  // namespace ebb::wire
