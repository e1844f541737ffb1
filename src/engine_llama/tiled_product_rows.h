// Rows times weights in tiles (tiled_weights.h): what kernels take.
//
// Rows are quantised to 8 bits. Within a block sums are of integers, thus exact; from block to block they are fused multiply-adds in the blocks' order, for
// each row by itself: a row's results do not depend on how many are computed with it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine_llama/tiled_weights.h"

namespace ebb::engine_llama {

// 32 numbers of a row.
struct RowBlock {
  float scale;
  float sum;  // of the numbers, by the scale
  // What the sums of their products begin with, since something is added to the weights: of all, or of each half (TileFormat::scale_rows).
  int32_t offsets[2];
  int8_t numbers[kBlockRows];
};

struct TiledProduct {
  const RowBlock* rows = nullptr;  // one behind the other
  int64_t count = 0;               // of rows
  int64_t blocks = 0;              // of a row
  const char* tiles = nullptr;
  int64_t tile_count = 0;
  const char* next = nullptr;  // what is read after them: its beginning is asked of the memory before it is needed; nullptr: not known
  float* results = nullptr;    // 16 for each tile
  int64_t row_results = 0;     // from a row's results to those of the next one
};

struct TiledKernel {
  // `count` blocks of 32.
  void (*quantise)(const float* row, RowBlock* blocks, int64_t count) = nullptr;
  void (*multiply)(const TiledProduct& product) = nullptr;
};

struct TiledKernels {
  const char* name;
  TiledKernel q4_0, q4_1, q8_0, q4_k, q6_k;
};

// Each is to be asked for only where the processor has its instructions: AVX-512 with VNNI, AVX2 with FMA.
const TiledKernels& tiled_kernels_v4();
const TiledKernels& tiled_kernels_v3();
// Those for this processor; nullptr: none.
const TiledKernels* tiled_kernels();

}  // namespace ebb::engine_llama
