// Tensors of the library to tiles, and tiles to threads. A replacement for two functions of the library; their names are the library's.
#include "engine_llama/token_product.h"

#include <ggml-backend.h>
#include <ggml.h>

#include <atomic>
#include <vector>

#include "engine_llama/library_function.h"
#include "engine_llama/team.h"

// As the library's linker knows them.
static constexpr const char* kMultiply = "_Z24ggml_backend_amx_mul_matPK19ggml_compute_paramsP11ggml_tensor";
static constexpr const char* kBufferType = "_Z28ggml_backend_amx_buffer_typev";

namespace ebb::engine_llama {

namespace {

std::atomic<uint64_t> products = 0;

// nullptr: this back end has no such layout, or the processor cannot use it. The library asks the kernel for leave each time; once is enough.
ggml_backend_buffer_type_t laid_out_type() {
  static ggml_backend_buffer_type_t const type = [] {
    auto* const find = reinterpret_cast<ggml_backend_buffer_type_t (*)()>(find_library_function(kBufferType));
    return find == nullptr ? nullptr : find();
  }();
  return type;
}

std::optional<ProductKernel> kernel_for(ggml_type weights) {
#if defined(__x86_64__)
  static const bool able = __builtin_cpu_supports("x86-64-v4") && __builtin_cpu_supports("avx512vnni");
  if (!able) return std::nullopt;
  if (weights == GGML_TYPE_Q4_0) return q4_0_kernel_v4();
  if (weights == GGML_TYPE_Q4_1) return q4_1_kernel_v4();
  if (weights == GGML_TYPE_Q8_0) return q8_0_kernel_v4();
#endif
  return std::nullopt;
}

bool of_one_row(const ggml_tensor& tensor) { return tensor.ne[1] == 1 && tensor.ne[2] == 1 && tensor.ne[3] == 1; }

using Quantise = void(const float* row, void* blocks, int64_t count);

// A thread's row, quantised. The next products often take the same one.
struct QuantisedRow {
  const ggml_tensor* of = nullptr;
  ggml_type weights = GGML_TYPE_COUNT;
  uint64_t graph = 0;
  std::vector<char> blocks;
};
thread_local QuantisedRow quantised;

const void* quantise(const ggml_tensor& row, ggml_type weights, uint64_t graph) {
  if (graph != 0 && quantised.graph == graph && quantised.of == &row && quantised.weights == weights) return quantised.blocks.data();
  static Quantise* const to_q8_0 = library_function<Quantise>("quantize_row_q8_0");
  static Quantise* const to_q8_1 = library_function<Quantise>("quantize_row_q8_1");
  quantised.blocks.resize(static_cast<size_t>(row.ne[0] / kBlockRows) * sizeof(RowBlockQ8_1));
  (weights == GGML_TYPE_Q4_1 ? to_q8_1 : to_q8_0)(static_cast<const float*>(row.data), quantised.blocks.data(), row.ne[0]);
  quantised.of = &row;
  quantised.weights = weights;
  quantised.graph = graph;
  return quantised.blocks.data();
}

void multiply(const ProductNode& node, const char* next, uint64_t graph, int thread, int threads) {
  const ggml_tensor& weights = *node.result->src[0];
  const ProductNode::Share share = node.share(thread, threads);
  if (share.count == 0) return;
  node.kernel.multiply({.row = quantise(*node.result->src[1], weights.type, graph),
                        .blocks = weights.ne[0] / kBlockRows,
                        .tiles = share.tiles,
                        .count = share.count,
                        .next = next,
                        .results = static_cast<float*>(node.result->data) + share.first * kTileColumns});
}

}  // namespace

std::optional<ProductNode> product_node(const ggml_tensor& node) {
  if (node.op != GGML_OP_MUL_MAT || node.type != GGML_TYPE_F32) return std::nullopt;
  const ggml_tensor& weights = *node.src[0];
  const ggml_tensor& row = *node.src[1];
  if (!of_one_row(node) || !of_one_row(row) || weights.ne[2] != 1 || weights.ne[3] != 1) return std::nullopt;
  if (row.type != GGML_TYPE_F32 || row.nb[0] != sizeof(float) || weights.ne[0] % kBlockRows != 0 || weights.ne[1] % kTileColumns != 0) return std::nullopt;
  if (weights.buffer == nullptr || laid_out_type() == nullptr || ggml_backend_buffer_get_type(weights.buffer) != laid_out_type()) return std::nullopt;
  const std::optional<ProductKernel> kernel = kernel_for(weights.type);
  if (!kernel) return std::nullopt;
  return ProductNode{.result = &node, .kernel = *kernel};
}

ProductNode::Share ProductNode::share(int thread, int threads) const {
  const ggml_tensor& weights = *result->src[0];
  const int64_t tiles = weights.ne[1] / kTileColumns;
  const int64_t first = tiles * thread / threads;
  const int64_t count = tiles * (thread + 1) / threads - first;
  const size_t tile_bytes = static_cast<size_t>(weights.ne[0] / kBlockRows) * kernel.block_bytes;
  return {.first = first,
          .count = count,
          .tiles = static_cast<const char*>(weights.data) + static_cast<size_t>(first) * tile_bytes,
          .bytes = static_cast<size_t>(count) * tile_bytes};
}

uint64_t token_products() { return products; }

}  // namespace ebb::engine_llama

__attribute__((visibility("default"))) void ggml_backend_amx_mul_mat(const ggml_compute_params* params, ggml_tensor* result) {
  using namespace ebb::engine_llama;
  static auto* const library = library_function<void(const ggml_compute_params*, ggml_tensor*)>(kMultiply);
  Team* const team = Team::of(params->threadpool);
  const ProductNode* const known = team == nullptr ? nullptr : team->arrive_at(*result, params->ith);
  const std::optional<ProductNode> alone = known == nullptr ? product_node(*result) : std::nullopt;
  if (known == nullptr && !alone) return library(params, result);
  if (params->ith == 0) ++products;
  if (known == nullptr) return multiply(*alone, nullptr, 0, params->ith, params->nth);
  multiply(*known, team->next().share(params->ith, params->nth).tiles, team->graph(), params->ith, params->nth);
}

__attribute__((visibility("default"))) ggml_backend_buffer_type_t ggml_backend_amx_buffer_type() { return ebb::engine_llama::laid_out_type(); }
