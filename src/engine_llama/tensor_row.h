// Where a row of one of the library's tensors begins. Rows lie as the tensor says, not always one behind the other.
#pragma once

#include <ggml.h>

#include <cstddef>
#include <cstdint>

namespace ebb::engine_llama {

// By its place in each of the three dimensions above the first.
template <class Number>
Number* row_of(const ggml_tensor& tensor, int64_t first, int64_t second, int64_t third) {
  return reinterpret_cast<Number*>(static_cast<char*>(tensor.data) + static_cast<size_t>(first) * tensor.nb[1] + static_cast<size_t>(second) * tensor.nb[2] +
                                   static_cast<size_t>(third) * tensor.nb[3]);
}

// Of all its rows, counted through.
template <class Number>
Number* row_of(const ggml_tensor& tensor, int64_t index) {
  return row_of<Number>(tensor, index % tensor.ne[1], index / tensor.ne[1] % tensor.ne[2], index / tensor.ne[1] / tensor.ne[2]);
}

}  // namespace ebb::engine_llama
