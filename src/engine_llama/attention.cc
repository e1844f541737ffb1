// Tensors of the library to groups of rows, and groups to threads. A replacement for one function of the library; its name is the library's.
#include "engine_llama/attention.h"

#include <ggml.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <memory>

#include "base/check.h"
#include "engine_llama/library_function.h"
#include "engine_llama/tensor_row.h"

namespace ebb::engine_llama {

namespace {

constexpr int64_t kTokensMin = 4;  // of a group that is made smaller so that each thread has some
constexpr int64_t kGroupsOfThread = 4;

std::atomic<uint64_t> calls = 0;

// Of the operation: its tensors and what is said beside them.
struct Operation {
  const ggml_tensor* query;
  const ggml_tensor* key;
  const ggml_tensor* value;
  const ggml_tensor* mask;
  const ggml_tensor* sinks;
  ggml_tensor* result;
  float scale = 1;
  float alibi = 0;
  float softcap = 0;
};

Operation read(ggml_tensor* result) {
  Operation operation{
      .query = result->src[0], .key = result->src[1], .value = result->src[2], .mask = result->src[3], .sinks = result->src[4], .result = result};
  const auto said = std::bit_cast<std::array<float, 3>>(*reinterpret_cast<const std::array<int32_t, 3>*>(result->op_params));
  operation.scale = said[0];
  operation.alibi = said[1];
  operation.softcap = said[2];
  // Our contexts keep their state in 16 bits, and what keeps none is made so by the library.
  EBB_CHECK(operation.query->type == GGML_TYPE_F32 && operation.key->type == GGML_TYPE_F16 && operation.value->type == GGML_TYPE_F16);
  EBB_CHECK(operation.mask == nullptr || operation.mask->type == GGML_TYPE_F16);
  return operation;
}

// Press et al., "Train Short, Test Long" (ALiBi), 2022, for any number of heads as its authors' code has it.
float slope_of(const Operation& operation, int64_t head) {
  if (operation.alibi == 0) return 1;
  const auto heads = std::bit_floor(static_cast<uint32_t>(operation.query->ne[2]));
  const bool early = head < heads;
  const float step = -(early ? operation.alibi : operation.alibi / 2) / static_cast<float>(heads);
  return std::exp2(step * static_cast<float>(early ? head + 1 : 2 * (head - heads) + 1));
}

// What is computed at once: some tokens' rows of some heads that have the same keys.
struct Piece {
  int64_t sequence = 0;
  int64_t token = 0;
  int64_t tokens = 0;
  int64_t head = 0;
  int64_t heads = 0;
};

void attend(const Operation& operation, const Piece& piece, Attend& kernel, float* room) {
  const ggml_tensor& query = *operation.query;
  const int64_t key_head = piece.head * operation.key->ne[2] / query.ne[2];
  const int64_t value_head = piece.head * operation.value->ne[2] / query.ne[2];
  std::array<float, kAttentionRowsMax> slopes{};
  for (int64_t i = 0; i < piece.heads; ++i)
    slopes[i] = slope_of(operation, piece.head + i);
  AttentionRows rows{.tokens = static_cast<int>(piece.tokens),
                     .heads = static_cast<int>(piece.heads),
                     .key_width = operation.key->ne[0],
                     .value_width = operation.value->ne[0],
                     .cells = operation.key->ne[1],
                     .queries = row_of<const char>(query, piece.token, piece.head, piece.sequence),
                     .query_of_token = query.nb[1],
                     .query_of_head = query.nb[2],
                     .keys = row_of<const char>(*operation.key, 0, key_head, piece.sequence),
                     .key_of_cell = operation.key->nb[1],
                     .values = row_of<const char>(*operation.value, 0, value_head, piece.sequence),
                     .value_of_cell = operation.value->nb[1],
                     // Of a result the heads come first, then the tokens.
                     .results = row_of<char>(*operation.result, piece.head, piece.token, piece.sequence),
                     .result_of_token = operation.result->nb[2],
                     .result_of_head = operation.result->nb[1],
                     .scale = operation.scale,
                     .softcap = operation.softcap,
                     .slopes = slopes.data()};
  if (operation.mask != nullptr) {
    rows.mask = row_of<const char>(*operation.mask, piece.token, piece.head % operation.mask->ne[2], piece.sequence % operation.mask->ne[3]);
    rows.mask_of_token = operation.mask->nb[1];
  }
  if (operation.sinks != nullptr) rows.sinks = static_cast<const float*>(operation.sinks->data) + piece.head;
  kernel(rows, room);
}

// How the rows are shared out. Their results do not depend on it.
struct Sharing {
  int64_t heads_of_key;
  int64_t heads;         // of a group
  int64_t head_groups;   // of a key's
  int64_t tokens;        // of a group
  int64_t token_groups;  // of a sequence
  int64_t groups;        // in all

  Piece piece(const Operation& operation, int64_t group) const {
    const int64_t token = group % token_groups * tokens;
    const int64_t heads_before = group / token_groups;
    const int64_t head_in_key = heads_before % head_groups * heads;
    const int64_t keys_before = heads_before / head_groups;
    return {.sequence = keys_before / operation.key->ne[2],
            .token = token,
            .tokens = std::min(tokens, operation.query->ne[1] - token),
            .head = keys_before % operation.key->ne[2] * heads_of_key + head_in_key,
            .heads = std::min(heads, heads_of_key - head_in_key)};
  }
};

Sharing share_out(const Operation& operation, int threads) {
  Sharing sharing{.heads_of_key = operation.query->ne[2] / operation.key->ne[2]};
  sharing.heads = std::min<int64_t>(sharing.heads_of_key, kAttentionRowsMax);
  sharing.head_groups = (sharing.heads_of_key + sharing.heads - 1) / sharing.heads;
  const int64_t keys = operation.key->ne[2] * sharing.head_groups * operation.query->ne[3];
  const int64_t all = operation.query->ne[1];
  sharing.tokens = std::min(all, kAttentionRowsMax / sharing.heads);
  const auto count = [&] { return (all + sharing.tokens - 1) / sharing.tokens; };
  while (sharing.tokens > kTokensMin && count() * keys < kGroupsOfThread * threads)
    sharing.tokens = std::max(kTokensMin, sharing.tokens / 2);
  sharing.token_groups = count();
  sharing.groups = keys * sharing.token_groups;
  return sharing;
}

// Of few groups some threads would have one more than others. The heads of one group of tokens are shared out evenly instead, though some keys are then read by
// two threads.
bool by_heads(const Sharing& sharing, int threads) {
  return sharing.token_groups == 1 && sharing.groups < kGroupsOfThread * threads && sharing.groups % threads != 0;
}

void attend_by_heads(const Operation& operation, const Sharing& sharing, const ggml_compute_params& params, Attend& kernel, float* room) {
  const int64_t heads = operation.query->ne[2];
  const int64_t end = heads * operation.query->ne[3] * (params.ith + 1) / params.nth;
  int64_t count = 0;
  for (int64_t at = heads * operation.query->ne[3] * params.ith / params.nth; at < end; at += count) {
    const int64_t head = at % heads;
    count = std::min({sharing.heads_of_key - head % sharing.heads_of_key, sharing.heads, end - at});
    attend(operation, {.sequence = at / heads, .token = 0, .tokens = operation.query->ne[1], .head = head, .heads = count}, kernel, room);
  }
}

// This thread's part of the library's memory to work in, which has room for its own, larger tiles.
float* room_of(const ggml_compute_params& params, size_t floats) {
  void* memory = params.wdata;
  size_t bytes = params.wsize;
  void* const aligned = std::align(64, floats * sizeof(float) * static_cast<size_t>(params.nth), memory, bytes);
  EBB_CHECK(aligned != nullptr);
  return static_cast<float*>(aligned) + floats * static_cast<size_t>(params.ith);
}

}  // namespace

AttentionKernel attention_kernel() {
#if defined(__x86_64__)
  // By the levels that the kernels are compiled for: a virtual machine may have AVX2 without the rest of its level.
  if (__builtin_cpu_supports("x86-64-v4")) return {.name = "AVX-512", .attend = attend_v4};
  if (__builtin_cpu_supports("x86-64-v3")) return {.name = "AVX2", .attend = attend_v3};
#endif
  return {.name = "any", .attend = attend_plain};
}

uint64_t attention_calls() { return calls; }

}  // namespace ebb::engine_llama

extern "C" {

__attribute__((visibility("default"))) void ggml_compute_forward_flash_attn_ext(const struct ggml_compute_params* params, struct ggml_tensor* dst) {
  using namespace ebb::engine_llama;
  static const AttentionKernel kernel = attention_kernel();
  if (params->ith == 0) ++calls;
  const Operation operation = read(dst);
  const size_t floats = attention_floats(operation.key->ne[0], operation.value->ne[0]);
  float* const room = room_of(*params, floats);
  const Sharing sharing = share_out(operation, params->nth);
  if (by_heads(sharing, params->nth)) return attend_by_heads(operation, sharing, *params, *kernel.attend, room);
  for (int64_t group = params->ith; group < sharing.groups; group += params->nth)
    attend(operation, sharing.piece(operation, group), *kernel.attend, room);
}
}
