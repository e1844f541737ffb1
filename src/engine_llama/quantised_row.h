// A thread's row of a product, quantised. The next products of its graph often take the same one.
#pragma once

#include <ggml.h>

#include <vector>

namespace ebb::engine_llama {

template <class Block>
class QuantisedRow {
 public:
  // `quantise(floats, blocks, count of floats)` is called where it is another row, for another kind of weights, or of another graph. `graph` is 0 where that is
  // not known. Valid until the next call.
  template <class Quantise>
  const Block* of(const ggml_tensor& row, ggml_type weights, uint64_t graph, const Quantise& quantise) {
    if (graph == 0 || graph_ != graph || row_ != &row || weights_ != weights) {
      blocks_.resize(static_cast<size_t>(row.ne[0]) / sizeof(Block::numbers));
      quantise(static_cast<const float*>(row.data), blocks_.data(), row.ne[0]);
      row_ = &row;
      weights_ = weights;
      graph_ = graph;
    }
    return blocks_.data();
  }

 private:
  const ggml_tensor* row_ = nullptr;
  ggml_type weights_ = GGML_TYPE_COUNT;
  uint64_t graph_ = 0;
  std::vector<Block> blocks_;
};

}  // namespace ebb::engine_llama
