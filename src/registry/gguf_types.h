// The numbers that GGUF files use for tensor types and for whole files' quantization, and what they mean.
#pragma once

#include <cstdint>
#include <string_view>

namespace ebb::registry {

struct TensorType {
  uint32_t id;
  std::string_view name;
  uint32_t block_elements;  // a row has a whole number of blocks
  uint32_t block_bytes;
};

// nullptr for a type that is unknown or was withdrawn from the format.
const TensorType* find_tensor_type(uint32_t id);

// "Q4_K_M" for general.file_type 15; empty for a number that is not known.
std::string_view file_type_word(uint64_t file_type);

}  // namespace ebb::registry
