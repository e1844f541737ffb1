// Tensors as the Open Inference Protocol means them: a type, a shape, and the elements as bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ebb::domain {

enum class DataType : uint8_t { kBool, kUint8, kUint16, kUint32, kUint64, kInt8, kInt16, kInt32, kInt64, kFp16, kBf16, kFp32, kFp64, kBytes };
inline constexpr int kDataTypes = 14;

// The protocol's word: "FP32", "BYTES", …
std::string_view to_string(DataType type);
// Error: kInvalid with the words that there are.
Result<DataType> parse_data_type(std::string_view word);
// Of one element; 0 for kBytes, whose elements have different lengths.
size_t element_bytes(DataType type);

// What a model takes or gives: -1 stands for any size. A shape without dimensions is one element.
struct TensorSpec {
  std::string name;
  DataType type = DataType::kFp32;
  std::vector<int64_t> shape;
  bool operator==(const TensorSpec&) const = default;
};

struct TensorHead {
  std::string name;
  DataType type = DataType::kFp32;
  std::vector<int64_t> shape;  // each ≥ 0
  bool operator==(const TensorHead&) const = default;
};

// The elements in row-major order, little endian, without padding; of kBytes each one as a u32 length and so many bytes.
struct Tensor {
  TensorHead head;
  std::string data;
  bool operator==(const Tensor&) const = default;
};

// Tensors in, tensors out.
struct Tensors {
  std::vector<Tensor> inputs;        // each name once
  std::vector<std::string> outputs;  // which are wanted, in this order; empty: all, in the model's order
  bool operator==(const Tensors&) const = default;
};

// The product of the dimensions. Error kInvalid: a negative one, more than kTensorDimensionsMax, or more than kTensorBytesMax elements.
Result<int64_t> element_count(std::span<const int64_t> shape);

// Error kInvalid with the tensor's name: the data has not exactly the bytes that type and shape ask for.
Status check_tensor(const Tensor& tensor);

// "FP32 [2,-1,3]", for sentences.
std::string to_string(const TensorSpec& spec);

}  // namespace ebb::domain
