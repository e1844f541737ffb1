// Which of a graph's nodes are products of ours.
#include "engine_llama/product_node.h"

#include <ggml.h>

#include "engine_llama/tiled_weights.h"
#include "engine_llama/token_product.h"

namespace ebb::engine_llama {

namespace {

bool of_one_row(const ggml_tensor& tensor) { return tensor.ne[1] == 1 && tensor.ne[2] == 1 && tensor.ne[3] == 1; }

}  // namespace

std::optional<ProductNode> product_node(const ggml_tensor& node) {
  if (node.op != GGML_OP_MUL_MAT || node.type != GGML_TYPE_F32) return std::nullopt;
  const ggml_tensor& weights = *node.src[0];
  const ggml_tensor& row = *node.src[1];
  if (!of_one_row(node) || !of_one_row(row) || weights.ne[2] != 1 || weights.ne[3] != 1) return std::nullopt;
  if (row.type != GGML_TYPE_F32 || row.nb[0] != sizeof(float) || weights.ne[0] % kBlockRows != 0 || weights.ne[1] % kTileColumns != 0) return std::nullopt;
  if (const TileFormat* const format = tiles_of(weights)) return ProductNode{.result = &node, .tile_bytes = format->tile_bytes(weights.ne[0])};
  if (const std::optional<ProductKernel> kernel = token_product_kernel(weights))
    return ProductNode{.result = &node, .tile_bytes = static_cast<size_t>(weights.ne[0] / kBlockRows) * kernel->block_bytes};
  return std::nullopt;
}

ProductNode::Share ProductNode::share(int thread, int threads) const {
  const ggml_tensor& weights = *result->src[0];
  const int64_t tiles = weights.ne[1] / kTileColumns;
  const int64_t first = tiles * thread / threads;
  const int64_t count = tiles * (thread + 1) / threads - first;
  return {.first = first,
          .count = count,
          .tiles = static_cast<const char*>(weights.data) + static_cast<size_t>(first) * tile_bytes,
          .bytes = static_cast<size_t>(count) * tile_bytes};
}

}  // namespace ebb::engine_llama
