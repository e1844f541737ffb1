// One token's row times weights that the library has laid out for AMX: what kernels take.
//
// The layout is the library's (ggml/src/ggml-cpu/amx, "packed B"): tiles of 16 columns, one behind the other. A tile is a run of blocks of 32 rows. In a block
// the numbers of four rows lie beside each other for each column, in 4 bits two such fours in one (the first below), then each column's
// scale, and its least value (Q4_1) or 128 times the sum of its numbers (Q8_0).
// Sums are made in the same order, with the same roundings, as by the library's kernels for one token and for several, so that a
// token's results do not depend on which of them computed it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine_llama/product_node.h"

namespace ebb::engine_llama {

// The library's blocks of a quantised row (block_q8_0, block_q8_1 of ggml-common.h). Scales are in 16 bits.
struct RowBlockQ8_0 {
  uint16_t scale;
  int8_t numbers[kBlockRows];
};
struct RowBlockQ8_1 {
  uint16_t scale;
  uint16_t sum;  // of the numbers, by the scale
  int8_t numbers[kBlockRows];
};

struct TokenProduct {
  const void* row = nullptr;  // blocks
  int64_t blocks = 0;         // of the row, and of a tile
  const char* tiles = nullptr;
  int64_t count = 0;           // of tiles
  const char* next = nullptr;  // what is read after them: its beginning is asked of the memory before it is needed
  float* results = nullptr;    // 16 for each tile
};

// Never longer than that behind `next` is asked for.
inline constexpr size_t kReadAhead = 6144;

struct ProductKernel {
  size_t block_bytes = 0;  // of a tile
  void (*multiply)(const TokenProduct&) = nullptr;
};

// For AVX-512 with VNNI. The row for Q4_0 and Q8_0 is of RowBlockQ8_0, for Q4_1 of RowBlockQ8_1.
ProductKernel q4_0_kernel_v4();
ProductKernel q4_1_kernel_v4();
ProductKernel q8_0_kernel_v4();

}  // namespace ebb::engine_llama
