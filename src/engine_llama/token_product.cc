// Tensors of the library to tiles, and tiles to threads. A replacement for two functions of the library; their names are the library's.
#include "engine_llama/token_product.h"

#include <ggml-backend.h>
#include <ggml.h>

#include <atomic>

#include "base/check.h"
#include "engine_llama/library_function.h"
#include "engine_llama/product_node.h"
#include "engine_llama/quantised_row.h"
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

thread_local QuantisedRow<RowBlockQ8_0> quantised_q8_0;
thread_local QuantisedRow<RowBlockQ8_1> quantised_q8_1;

const void* quantise(const ggml_tensor& row, ggml_type weights, uint64_t graph) {
  using Quantise = void(const float* row, void* blocks, int64_t count);
  static Quantise* const to_q8_0 = library_function<Quantise>("quantize_row_q8_0");
  static Quantise* const to_q8_1 = library_function<Quantise>("quantize_row_q8_1");
  if (weights == GGML_TYPE_Q4_1) return quantised_q8_1.of(row, weights, graph, to_q8_1);
  return quantised_q8_0.of(row, weights, graph, to_q8_0);
}

void multiply(const ProductNode& node, const char* next, uint64_t graph, int thread, int threads) {
  const ggml_tensor& weights = *node.result->src[0];
  const ProductNode::Share share = node.share(thread, threads);
  if (share.count == 0) return;
  const std::optional<ProductKernel> kernel = kernel_for(weights.type);
  EBB_CHECK(kernel.has_value());
  kernel->multiply({.row = quantise(*node.result->src[1], weights.type, graph),
                    .blocks = weights.ne[0] / kBlockRows,
                    .tiles = share.tiles,
                    .count = share.count,
                    .next = next,
                    .results = static_cast<float*>(node.result->data) + share.first * kTileColumns});
}

}  // namespace

std::optional<ProductKernel> token_product_kernel(const ggml_tensor& weights) {
  if (weights.buffer == nullptr || laid_out_type() == nullptr || ggml_backend_buffer_get_type(weights.buffer) != laid_out_type()) return std::nullopt;
  return kernel_for(weights.type);
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
