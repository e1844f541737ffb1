// Products of one token's row with weights that lie in tiles: what generating text consists of.
//
// The weights are laid out by us (tiled_weights.h), or by the library for processors that multiply matrices by themselves (token_product_rows.h). Either way a
// tile is of 16 columns and all rows, tiles lie one behind the other, and each thread takes its share of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

struct ggml_tensor;

namespace ebb::engine_llama {

inline constexpr int64_t kTileColumns = 16;
inline constexpr int64_t kBlockRows = 32;

// One in a graph.
struct ProductNode {
  const ggml_tensor* result = nullptr;
  size_t tile_bytes = 0;

  struct Share {
    int64_t first = 0;  // tile
    int64_t count = 0;
    const char* tiles = nullptr;
    size_t bytes = 0;
  };
  // Of one of so many threads.
  Share share(int thread, int threads) const;
};

// What the node is, if it is one. Any thread.
std::optional<ProductNode> product_node(const ggml_tensor& node);

}  // namespace ebb::engine_llama
