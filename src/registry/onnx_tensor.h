// TensorProto: weights in a model, as views; a part of registry/onnx.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "domain/tensor.h"
#include "registry/proto_cursor.h"

namespace ebb::registry {

struct OnnxType {
  uint32_t id;                           // TensorProto.DataType
  std::string_view word;                 // "FP32"
  unsigned bits;                         // of one element; 0: of different lengths
  std::optional<domain::DataType> type;  // what calls can carry
};
// nullptr: unknown, or not of the library's.
const OnnxType* find_onnx_type(uint64_t id);

struct OnnxTensor {
  std::string_view name;
  uint64_t at = 0;
  const OnnxType* type = nullptr;
  uint64_t elements = 0;
  uint64_t bytes = 0;
  // Outside of the model: which file, and the end of its part there.
  std::string_view location;
  uint64_t end = 0;
};

// Reads and checks one tensor: a known type, dimensions whose product is representable, as much data as they ask for, in one place. What is wrong is in
// `errors` then. `what` names it where it has no name: "the tensor of an attribute".
OnnxTensor read_onnx_tensor(const ProtoField& field, std::string_view what, ProtoErrors& errors);

}  // namespace ebb::registry
