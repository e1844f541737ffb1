// Weights in tiles: a layout of our own, for processors for which the library has none that is made for them.
//
// Tiles are of 16 columns, one behind the other; a column is what gives one number of a result. A tile is a run of blocks of 32 rows. In a block the numbers of
// four rows lie beside each other for each column, in 4 bits two such fours in one (the first below); then each column's scale, and its least value (Q4_1), in
// 16 bits. So the numbers of all columns that belong to four of a row are one or two vectors, and a block takes as many bytes as it does as it is stored.
//
// tiled_weights.cc has them made when the library fills such a tensor, and defines `ggml_backend_dev_supports_op` (library_function.h) to take them: they
// are kept in the buffers that the library has for weights in another order. Where the processor multiplies matrices by itself, the library has a layout for
// them, and nothing is in tiles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "engine_llama/product_node.h"

struct ggml_tensor;

namespace ebb::engine_llama {

// How a kind of weights lies in a block.
struct TileFormat {
  int bits = 0;
  int added = 0;  // to each number, as it is stored
  bool has_least = false;

  constexpr size_t number_bytes() const { return static_cast<size_t>(kTileColumns * kBlockRows * bits / 8); }
  constexpr size_t block_bytes() const { return number_bytes() + (has_least ? 4 : 2) * static_cast<size_t>(kTileColumns); }
};
inline constexpr TileFormat kTiledQ4_0 = {.bits = 4, .added = 8, .has_least = false};
inline constexpr TileFormat kTiledQ4_1 = {.bits = 4, .added = 0, .has_least = true};
inline constexpr TileFormat kTiledQ8_0 = {.bits = 8, .added = 0, .has_least = false};

// `stored` is a column behind the other, in the library's blocks of 32 numbers (ggml-common.h: block_q4_0, block_q4_1, block_q8_0). As many bytes are written.
// `rows` is a multiple of 32, `columns` one of 16.
void lay_out_in_tiles(const TileFormat& format, const char* stored, int64_t rows, int64_t columns, char* tiles);

// After init_backend(). That of a tensor whose data is in tiles; nullptr: it is not, or is none of weights.
const TileFormat* tiles_of(const ggml_tensor& tensor);

// The library fills a tensor. True: its data is to be in tiles, and now is.
bool fill_tiles(const ggml_tensor& tensor, const void* stored, size_t offset, size_t bytes);

}  // namespace ebb::engine_llama
