// Elements move as bytes; only BYTES are looked into.
#include "engine_onnx/tensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace ebb::engine_onnx {

namespace {

using domain::DataType;

struct TypeRow {
  DataType ours;
  ONNXTensorElementDataType theirs;
};
constexpr auto kTypes = std::to_array<TypeRow>({{DataType::kBool, ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL},
                                                {DataType::kUint8, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8},
                                                {DataType::kUint16, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16},
                                                {DataType::kUint32, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32},
                                                {DataType::kUint64, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64},
                                                {DataType::kInt8, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8},
                                                {DataType::kInt16, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16},
                                                {DataType::kInt32, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32},
                                                {DataType::kInt64, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64},
                                                {DataType::kFp16, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16},
                                                {DataType::kBf16, ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16},
                                                {DataType::kFp32, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT},
                                                {DataType::kFp64, ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE},
                                                {DataType::kBytes, ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING}});

using Length = uint32_t;  // before each element of BYTES

// The end of so many elements of BYTES.
size_t end_of_elements(std::string_view data, size_t begin, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    Length length = 0;
    std::memcpy(&length, data.data() + begin, sizeof length);
    begin += sizeof length + length;
  }
  return begin;
}

Ort::Value strings_value(const domain::Tensor& tensor, OrtAllocator* allocator) {
  Ort::Value value = Ort::Value::CreateTensor(allocator, tensor.head.shape.data(), tensor.head.shape.size(), ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING);
  size_t index = 0;
  for (size_t at = 0; at < tensor.data.size(); ++index) {
    Length length = 0;
    std::memcpy(&length, tensor.data.data() + at, sizeof length);
    at += sizeof length;
    if (length > 0) std::memcpy(value.GetResizedStringTensorElementBuffer(index, length), tensor.data.data() + at, length);
    at += length;
  }
  return value;
}

// Of a tensor without rows none.
int64_t elements_per_row(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (const int64_t dimension : shape.subspan(1))
    count *= dimension;
  return count;
}

}  // namespace

std::optional<DataType> data_type_of(ONNXTensorElementDataType type) {
  const auto* const found = std::ranges::find(kTypes, type, &TypeRow::theirs);
  return found == kTypes.end() ? std::nullopt : std::optional(found->ours);
}

ONNXTensorElementDataType library_type(DataType type) { return std::ranges::find(kTypes, type, &TypeRow::ours)->theirs; }

Ort::Value value_of(const domain::Tensor& tensor) {
  Ort::AllocatorWithDefaultOptions allocator;
  if (tensor.head.type == DataType::kBytes) return strings_value(tensor, allocator);
  static const Ort::MemoryInfo ours = Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault);
  // The library takes a pointer that it could write to, and only reads inputs.
  return Ort::Value::CreateTensor(ours, const_cast<char*>(tensor.data.data()), tensor.data.size(), tensor.head.shape.data(), tensor.head.shape.size(),
                                  library_type(tensor.head.type));
}

Result<size_t> data_bytes(const Ort::Value& value) {
  if (!value.HasValue() || !value.IsTensor()) return fail(ErrorKind::kInternal, "the model gave what is no tensor");
  const Ort::TensorTypeAndShapeInfo info = value.GetTensorTypeAndShapeInfo();
  const std::optional<DataType> type = data_type_of(info.GetElementType());
  if (!type) return fail(ErrorKind::kInternal, "the model gave a tensor of a type that no client can name");
  if (*type == DataType::kBytes) return value.GetStringTensorDataLength() + info.GetElementCount() * sizeof(Length);
  return info.GetElementCount() * domain::element_bytes(*type);
}

domain::Tensor tensor_of(const Ort::Value& value, std::string name) {
  const Ort::TensorTypeAndShapeInfo info = value.GetTensorTypeAndShapeInfo();
  domain::Tensor tensor{.head = {.name = std::move(name), .type = *data_type_of(info.GetElementType()), .shape = info.GetShape()}};
  const size_t count = info.GetElementCount();
  if (tensor.head.type != DataType::kBytes) {
    if (count > 0) tensor.data.assign(static_cast<const char*>(value.GetTensorRawData()), count * domain::element_bytes(tensor.head.type));
    return tensor;
  }
  for (size_t i = 0; i < count; ++i) {
    const std::string element = value.GetStringTensorElement(i);
    const auto length = static_cast<Length>(element.size());
    tensor.data.append(reinterpret_cast<const char*>(&length), sizeof length);
    tensor.data += element;
  }
  return tensor;
}

domain::Tensor join_rows(std::span<const domain::Tensor* const> parts) {
  EBB_CHECK(!parts.empty() && !parts.front()->head.shape.empty());
  domain::Tensor whole{.head = parts.front()->head};
  whole.head.shape[0] = 0;
  size_t bytes = 0;
  for (const domain::Tensor* part : parts)
    bytes += part->data.size();
  whole.data.reserve(bytes);
  for (const domain::Tensor* part : parts) {
    whole.head.shape[0] += part->head.shape[0];
    whole.data += part->data;
  }
  return whole;
}

std::vector<domain::Tensor> split_rows(const domain::Tensor& whole, std::span<const int64_t> rows) {
  const int64_t elements = elements_per_row(whole.head.shape);
  const size_t element_bytes = domain::element_bytes(whole.head.type);
  std::vector<domain::Tensor> parts;
  size_t begin = 0;
  for (const int64_t count : rows) {
    const size_t end = whole.head.type == DataType::kBytes ? end_of_elements(whole.data, begin, count * elements)
                                                           : begin + static_cast<size_t>(count * elements) * element_bytes;
    domain::Tensor part{.head = whole.head, .data = whole.data.substr(begin, end - begin)};
    part.head.shape[0] = count;
    parts.push_back(std::move(part));
    begin = end;
  }
  EBB_CHECK(begin == whole.data.size());
  return parts;
}

std::vector<float> floats_of(const domain::Tensor& tensor) {
  EBB_CHECK(tensor.head.type == DataType::kFp32);
  std::vector<float> values(tensor.data.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

}  // namespace ebb::engine_onnx
