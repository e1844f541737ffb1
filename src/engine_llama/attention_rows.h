// Attention of some query rows over one head's keys and values: what is computed, and by which instructions.
//
// Softmax(scale * Q K^T + mask) V in one pass over the cache, in blocks of cells with a running maximum (Milakov and Gimelshein, "Online normalizer calculation
// for softmax", 2018; Dao et al., "FlashAttention", 2022). What a row gets depends on its query and on the cells that its mask shows, each at its place, and on
// nothing else, to the last bit: not on the rows beside it, on how many cells follow, or on how the rows are shared out.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ebb::engine_llama {

inline constexpr int kAttentionRowsMax = 48;
inline constexpr int64_t kAttentionCells = 64;  // of one block

// Rows of `tokens` positions and `heads` neighbouring query heads that read the same keys and values. Addresses and strides are in bytes; keys, values and the
// mask are of 16 bits (IEEE half), queries and results of 32.
struct AttentionRows {
  int tokens = 0;
  int heads = 0;  // tokens * heads <= kAttentionRowsMax
  int64_t key_width = 0;
  int64_t value_width = 0;
  int64_t cells = 0;
  const char* queries = nullptr;
  size_t query_of_token = 0;
  size_t query_of_head = 0;
  const char* keys = nullptr;
  size_t key_of_cell = 0;
  const char* values = nullptr;
  size_t value_of_cell = 0;
  const char* mask = nullptr;  // added to the scores, for each cell; -inf hides one; nullptr: all is seen
  size_t mask_of_token = 0;
  char* results = nullptr;
  size_t result_of_token = 0;
  size_t result_of_head = 0;
  float scale = 1;
  float softcap = 0;              // other than 0: scores s become softcap * tanh(s / softcap)
  const float* slopes = nullptr;  // of each head: what its mask is multiplied by
  const float* sinks = nullptr;   // of each head: the score of a cell without a value; nullptr: none
};

// Floats that a computation needs to work in, aligned to 64 bytes.
constexpr size_t attention_floats(int64_t key_width, int64_t value_width) {
  const size_t padded = static_cast<size_t>(value_width + 15) / 16 * 16;
  return (kAttentionRowsMax + kAttentionCells) * (static_cast<size_t>(key_width + 15) / 16 * 16 + padded) + kAttentionRowsMax * kAttentionCells;
}

using Attend = void(const AttentionRows& rows, float* room);

// By the instructions of x86-64-v4 (AVX-512), x86-64-v3 (AVX2) and any processor.
Attend attend_v4;
Attend attend_v3;
Attend attend_plain;

}  // namespace ebb::engine_llama
