// Tensors of calls as the library's values and back, and rows of tensors put together and taken apart.
//
// A row is all that has one index in the first dimension.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/tensor.h"

namespace ebb::engine_onnx {

// nullopt: of a type that no client can name.
std::optional<domain::DataType> data_type_of(ONNXTensorElementDataType type);
ONNXTensorElementDataType library_type(domain::DataType type);

// The tensor must be as domain::check_tensor wants it, and outlive the value, which (but for BYTES) looks at its data.
Ort::Value value_of(const domain::Tensor& tensor);

// How many bytes the data of a value takes as a tensor of a call. Error kInternal: it is no tensor, or of a type that no client can name.
Result<size_t> data_bytes(const Ort::Value& value);
domain::Tensor tensor_of(const Ort::Value& value, std::string name);

// Tensors with the same name, type and shape but for the first dimension, put below one another. At least one.
domain::Tensor join_rows(std::span<const domain::Tensor* const> parts);
// Takes them apart again: the first `rows[0]` rows, and so on; together they must be all.
std::vector<domain::Tensor> split_rows(const domain::Tensor& whole, std::span<const int64_t> rows);

// The numbers of an FP32 tensor.
std::vector<float> floats_of(const domain::Tensor& tensor);

}  // namespace ebb::engine_onnx
