// Tensors of the library to rows, and rows to threads. A replacement for two functions of the library; their names are the library's.
#include "engine_llama/rms_norm.h"

#include <ggml.h>

#include <atomic>
#include <cstring>

#include "base/check.h"
#include "engine_llama/library_function.h"
#include "engine_llama/rms_norm_code.h"
#include "engine_llama/tensor_row.h"

namespace ebb::engine_llama {

namespace {

std::atomic<uint64_t> rows = 0;

struct AnyLevel;

Norm* kernel() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("x86-64-v4")) return rms_norm_v4;
  if (__builtin_cpu_supports("x86-64-v3")) return rms_norm_v3;
#endif
  return rms_norm_plain;
}

// `weights` may be smaller than the rest: it is then repeated.
void norm(const ggml_compute_params& params, const ggml_tensor& operation, const ggml_tensor* weights, const ggml_tensor& result) {
  static Norm* const norm_row = kernel();
  const ggml_tensor& numbers = *operation.src[0];
  EBB_CHECK(numbers.type == GGML_TYPE_F32 && numbers.nb[0] == sizeof(float) && result.nb[0] == sizeof(float));
  EBB_CHECK(weights == nullptr || (weights->type == GGML_TYPE_F32 && weights->nb[0] == sizeof(float) && weights->ne[0] == numbers.ne[0]));
  NormRow row{.count = numbers.ne[0]};
  std::memcpy(&row.epsilon, operation.op_params, sizeof row.epsilon);
  uint64_t count = 0;
  for (int64_t third = 0; third < numbers.ne[3]; ++third) {
    for (int64_t second = 0; second < numbers.ne[2]; ++second) {
      for (int64_t first = params.ith; first < numbers.ne[1]; first += params.nth) {
        row.numbers = row_of<const float>(numbers, first, second, third);
        row.results = row_of<float>(result, first, second, third);
        if (weights != nullptr) row.weights = row_of<const float>(*weights, first % weights->ne[1], second % weights->ne[2], third % weights->ne[3]);
        norm_row(row);
        ++count;
      }
    }
  }
  if (count > 0) rows += count;
}

}  // namespace

void rms_norm_plain(const NormRow& row) { rms_norm<AnyLevel>(row); }

uint64_t normed_rows() { return rows; }

}  // namespace ebb::engine_llama

extern "C" {

__attribute__((visibility("default"))) void ggml_compute_forward_rms_norm(const ggml_compute_params* params, ggml_tensor* operation) {
  ebb::engine_llama::norm(*params, *operation, nullptr, *operation);
}

// The product's weights are whichever of its sides is not the norm.
__attribute__((visibility("default"))) void ggml_compute_forward_rms_norm_mul_fused(const ggml_compute_params* params, ggml_tensor* operation,
                                                                                    ggml_tensor* product) {
  ebb::engine_llama::norm(*params, *operation, product->src[product->src[0] == operation ? 1 : 0], *product);
}
}
