// Weights in tiles: a layout of our own, for processors for which the library has none that is made for them.
//
// Tiles are of 16 columns, one behind the other; a column is what gives one number of a result. A tile is a run of blocks of 32 or 256 rows, which take as many
// bytes as they do as they are stored. In a block come first the numbers, 32 rows after the other: those of four rows lie beside each other for each column, in
// 4 bits two such fours in one (the first below). So the numbers of all columns that belong to four of a row are one vector, or two. Then come
//   Q4_0, Q8_0  each column's scale
//   Q4_1        each column's scale, each one's least value
//   Q4_K        each column's first of the twelve bytes that hold scales and least values in 6 bits, each one's second, …; each column's scale of the scales,
//               each one's of the least values
//   Q6_K        above the lower 4 bits of the numbers, four fours in one, the upper 2; each column's first of 16 scales in 8 bits, each one's second, …; each
//               column's scale of the scales
// where what is not said to be in fewer is in 16 bits (ggml-quants.c: how each kind is stored, and what its numbers stand for).
//
// tiled_weights.cc has them made when the library fills such a tensor, and defines `ggml_backend_dev_supports_op` (library_function.h) to take them: they
// are kept in the buffers that the library has for weights in another order, whose own orders are not used: with some of them a token's results depend on how
// many are computed with it (docs/decisions/0019-weights-laid-out-once.md). Where the processor multiplies matrices by itself, the library has a layout for
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
  int64_t rows = kBlockRows;        // of a block
  int64_t scale_rows = kBlockRows;  // that have a scale of their own
  int scale_bytes = 0;              // of each column's scales that have a scale themselves

  constexpr size_t number_bytes() const { return static_cast<size_t>(kTileColumns * rows * bits / 8); }
  constexpr size_t block_bytes() const { return number_bytes() + static_cast<size_t>(kTileColumns) * static_cast<size_t>(scale_bytes + (has_least ? 4 : 2)); }
  bool operator==(const TileFormat&) const = default;
  // Of a matrix with so many rows.
  constexpr size_t tile_bytes(int64_t all_rows) const { return static_cast<size_t>(all_rows / rows) * block_bytes(); }
};
inline constexpr TileFormat kTiledQ4_0 = {.bits = 4, .added = 8};
inline constexpr TileFormat kTiledQ4_1 = {.bits = 4, .has_least = true};
inline constexpr TileFormat kTiledQ8_0 = {.bits = 8};
inline constexpr TileFormat kTiledQ4_K = {.bits = 4, .has_least = true, .rows = 256, .scale_bytes = 12};
inline constexpr TileFormat kTiledQ6_K = {.bits = 6, .added = 32, .rows = 256, .scale_rows = 16, .scale_bytes = 16};

// `stored` is a column behind the other, in the library's blocks (ggml-common.h: block_q4_0, block_q4_1, block_q8_0, block_q4_K, block_q6_K). As many bytes are
// written. `rows` is a multiple of the format's, `columns` one of 16.
void lay_out_in_tiles(const TileFormat& format, const char* stored, int64_t rows, int64_t columns, char* tiles);

// The other way round, for one column.
void take_column(const TileFormat& format, const char* tiles, int64_t rows, int64_t column, char* stored);

// After init_backend(). That of a tensor whose data is in tiles; nullptr: it is not, or is none of weights.
const TileFormat* tiles_of(const ggml_tensor& tensor);

// The library fills a tensor. True: its data is to be in tiles, and now is.
bool fill_tiles(const ggml_tensor& tensor, const void* stored, size_t offset, size_t bytes);

}  // namespace ebb::engine_llama
