// Tensors of the library to rows and tiles, and tiles to threads. A replacement for two functions of the library; their names are the library's.
#include "engine_llama/tiled_product.h"

#include <ggml-cpu.h>
#include <ggml.h>

#include <atomic>
#include <memory>

#include "base/check.h"
#include "engine_llama/library_function.h"
#include "engine_llama/product_node.h"
#include "engine_llama/quantised_row.h"
#include "engine_llama/team.h"
#include "engine_llama/tensor_row.h"
#include "engine_llama/tiled_product_rows.h"

extern "C" void ggml_barrier(ggml_threadpool* pool);  // team.cc

namespace ebb::engine_llama {

namespace {

std::atomic<uint64_t> products = 0;
thread_local QuantisedRow<RowBlock> quantised;

bool in_tiles(const ggml_tensor& operation) { return operation.op == GGML_OP_MUL_MAT && tiles_of(*operation.src[0]) != nullptr; }

const TiledKernel& kernel_for(ggml_type weights) {
  const TiledKernels& kernels = *tiled_kernels();
  switch (weights) {
    case GGML_TYPE_Q4_0: return kernels.q4_0;
    case GGML_TYPE_Q4_1: return kernels.q4_1;
    case GGML_TYPE_Q4_K: return kernels.q4_k;
    case GGML_TYPE_Q6_K: return kernels.q6_k;
    case GGML_TYPE_Q8_0: return kernels.q8_0;
    default: EBB_CHECK(false);  // nothing else lies in tiles
  }
}

// So many bytes hold all rows, quantised.
size_t work_bytes(const ggml_tensor& operation) {
  return static_cast<size_t>(operation.src[1]->ne[0] / kBlockRows * ggml_nrows(operation.src[1])) * sizeof(RowBlock) + alignof(RowBlock);
}

// By all threads.
const RowBlock* quantise_rows(const ggml_compute_params& params, const ggml_tensor& rows, const TiledKernel& kernel) {
  void* room = params.wdata;
  size_t bytes = params.wsize;
  const int64_t blocks = rows.ne[0] / kBlockRows;
  const int64_t count = ggml_nrows(&rows);
  auto* const all = static_cast<RowBlock*>(std::align(alignof(RowBlock), static_cast<size_t>(blocks * count) * sizeof(RowBlock), room, bytes));
  EBB_CHECK(all != nullptr);
  for (int64_t row = params.ith; row < count; row += params.nth)
    kernel.quantise(row_of<const float>(rows, row), all + row * blocks, blocks);
  ggml_barrier(params.threadpool);
  return all;
}

void multiply(const ggml_compute_params& params, const ggml_tensor& result) {
  const ggml_tensor& weights = *result.src[0];
  const ggml_tensor& rows = *result.src[1];
  EBB_CHECK(rows.type == GGML_TYPE_F32 && rows.nb[0] == sizeof(float) && result.type == GGML_TYPE_F32 && ggml_is_contiguous(&result));
  const TiledKernel& kernel = kernel_for(weights.type);
  const ProductNode node{.result = &result, .tile_bytes = tiles_of(weights)->tile_bytes(weights.ne[0])};
  const ProductNode::Share share = node.share(params.ith, params.nth);
  TiledProduct product{.count = ggml_nrows(&rows),
                       .blocks = weights.ne[0] / kBlockRows,
                       .tiles = share.tiles,
                       .tile_count = share.count,
                       .results = static_cast<float*>(result.data) + share.first * kTileColumns,
                       .row_results = weights.ne[1]};
  if (product.count > 1) {
    product.rows = quantise_rows(params, rows, kernel);
  } else {
    Team* const team = Team::of(params.threadpool);
    if (team != nullptr && team->arrive_at(result, params.ith) != nullptr) product.next = team->next().share(params.ith, params.nth).tiles;
    product.rows = quantised.of(rows, weights.type, team == nullptr ? 0 : team->graph(),
                                [&kernel](const float* row, RowBlock* blocks, int64_t numbers) { kernel.quantise(row, blocks, numbers / kBlockRows); });
  }
  kernel.multiply(product);
}

}  // namespace

const TiledKernels* tiled_kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("x86-64-v4") && __builtin_cpu_supports("avx512vnni")) return &tiled_kernels_v4();
  if (__builtin_cpu_supports("x86-64-v3")) return &tiled_kernels_v3();
#endif
  return nullptr;
}

uint64_t tiled_products() { return products; }

}  // namespace ebb::engine_llama

extern "C" {

__attribute__((visibility("default"))) bool ggml_cpu_extra_compute_forward(ggml_compute_params* params, ggml_tensor* operation) {
  using namespace ebb::engine_llama;
  static auto* const library = library_function<bool(ggml_compute_params*, ggml_tensor*)>("ggml_cpu_extra_compute_forward");
  if (!in_tiles(*operation)) return library(params, operation);
  if (params->ith == 0) ++products;
  multiply(*params, *operation);
  return true;
}

__attribute__((visibility("default"))) bool ggml_cpu_extra_work_size(int threads, const ggml_tensor* operation, size_t* bytes) {
  using namespace ebb::engine_llama;
  static auto* const library = library_function<bool(int, const ggml_tensor*, size_t*)>("ggml_cpu_extra_work_size");
  if (!in_tiles(*operation)) return library(threads, operation, bytes);
  *bytes = work_bytes(*operation);
  return true;
}
}
