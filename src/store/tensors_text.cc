// Rows that were written by us: their checksum held.
#include "store/tensors_text.h"

#include "base/json.h"

namespace ebb::store {

namespace {

json::array rows_of(const std::vector<domain::TensorSpec>& specs) {
  json::array rows;
  for (const domain::TensorSpec& spec : specs)
    rows.push_back(json::array{json::value(spec.name), json::value(to_string(spec.type)), json::value_from(spec.shape)});
  return rows;
}

bool read_row(const json::value& value, domain::TensorSpec& spec) {
  const json::array* row = value.if_array();
  if (row == nullptr || row->size() != 3 || !(*row)[0].is_string() || !(*row)[1].is_string() || !(*row)[2].is_array()) return false;
  const Result<domain::DataType> type = domain::parse_data_type(std::string_view((*row)[1].get_string()));
  if (!type) return false;
  spec.name = std::string((*row)[0].get_string());
  spec.type = *type;
  for (const json::value& size : (*row)[2].get_array()) {
    if (!size.is_int64()) return false;
    spec.shape.push_back(size.get_int64());
  }
  return true;
}

bool read_rows(const json::object& object, std::string_view key, std::vector<domain::TensorSpec>& specs) {
  const json::value* rows = object.if_contains(key);
  if (rows == nullptr || !rows->is_array()) return false;
  for (const json::value& row : rows->get_array()) {
    if (!read_row(row, specs.emplace_back())) return false;
  }
  return true;
}

}  // namespace

std::string tensors_to_text(const std::vector<domain::TensorSpec>& inputs, const std::vector<domain::TensorSpec>& outputs) {
  if (inputs.empty() && outputs.empty()) return "";
  return json::serialize(json::object{{"inputs", rows_of(inputs)}, {"outputs", rows_of(outputs)}});
}

bool tensors_from_text(std::string_view text, std::vector<domain::TensorSpec>& inputs, std::vector<domain::TensorSpec>& outputs) {
  if (text.empty()) return true;
  const Result<json::value> value = parse_json(text);
  return value && value->is_object() && read_rows(value->get_object(), "inputs", inputs) && read_rows(value->get_object(), "outputs", outputs);
}

}  // namespace ebb::store
