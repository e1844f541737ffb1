// Norms against sums in long double, of rows of any length, and by the library's graphs.
#include "engine_llama/rms_norm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "engine_llama/demo_engine_for_test.h"
#include "engine_llama/product_graph_for_test.h"
#include "engine_llama/rms_norm_rows.h"

namespace ebb::engine_llama {
namespace {

std::vector<Norm*> able() {
  std::vector<Norm*> all = {rms_norm_plain};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("x86-64-v3")) all.push_back(rms_norm_v3);
  if (__builtin_cpu_supports("x86-64-v4")) all.push_back(rms_norm_v4);
#endif
  return all;
}

float scale_of(const float* row, int64_t count, float epsilon) {
  long double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += static_cast<long double>(row[i]) * static_cast<long double>(row[i]);
  return static_cast<float>(1 / std::sqrt(sum / static_cast<long double>(count) + static_cast<long double>(epsilon)));
}

TEST(RmsNorm, OfRowsOfAnyLength) {
  for (Norm* const norm : able()) {
    for (const int64_t count : {1, 31, 32, 33, 64, 576, 600, 2049}) {
      const Floats numbers = normal(count, 1);
      const Floats weights = normal(count, 2);
      const float scale = scale_of(numbers.data(), count, 0.5F);
      Floats plain(numbers.size(), NAN);
      Floats weighted = numbers;  // in place
      norm({.numbers = numbers.data(), .count = count, .weights = nullptr, .epsilon = 0.5F, .results = plain.data()});
      norm({.numbers = weighted.data(), .count = count, .weights = weights.data(), .epsilon = 0.5F, .results = weighted.data()});
      for (size_t i = 0; i < numbers.size(); ++i) {
        ASSERT_FLOAT_EQ(plain[i], numbers[i] * scale) << count;
        ASSERT_FLOAT_EQ(weighted[i], numbers[i] * scale * weights[i]) << count;
      }
    }
  }
}

class RmsNormOfGraphTest : public DemoEngineTest {};

// Two matrices of five rows of which only parts are taken, one weighted by a row, by any number of threads.
TEST_F(RmsNormOfGraphTest, RowsThatLieApartAndWeightsThatAreRepeated) {
  engine.reset();
  constexpr int64_t kCount = 40;
  const std::unique_ptr<ggml_context, void (*)(ggml_context*)> context(ggml_init({.mem_size = size_t{4} << 20U, .mem_buffer = nullptr, .no_alloc = false}),
                                                                       ggml_free);
  ggml_tensor* const whole = ggml_new_tensor_3d(context.get(), GGML_TYPE_F32, 64, 5, 2);
  const Floats numbers = normal(64 * 5 * 2, 3);
  std::ranges::copy(numbers, static_cast<float*>(whole->data));
  ggml_tensor* const weights = ggml_new_tensor_1d(context.get(), GGML_TYPE_F32, kCount);
  const Floats of_weights = normal(kCount, 4);
  std::ranges::copy(of_weights, static_cast<float*>(weights->data));
  ggml_tensor* const part = ggml_view_3d(context.get(), whole, kCount, 5, 2, whole->nb[1], whole->nb[2], 8 * sizeof(float));
  ggml_tensor* const weighted = ggml_mul(context.get(), ggml_rms_norm(context.get(), part, 1e-3F), weights);
  ggml_tensor* const plain = ggml_rms_norm(context.get(), ggml_cont(context.get(), part), 1e-3F);
  ggml_cgraph* const graph = ggml_new_graph(context.get());
  ggml_build_forward_expand(graph, weighted);
  ggml_build_forward_expand(graph, plain);
  for (const int threads : {1, 2, 3}) {
    const uint64_t before = normed_rows();
    const Pool pool(threads, true);
    pool.compute(graph);
    EXPECT_EQ(normed_rows() - before, 20U) << "they are ours";
    for (int64_t row = 0; row < 10; ++row) {
      const float* const from = numbers.data() + row * 64 + 8;
      const float scale = scale_of(from, kCount, 1e-3F);
      for (int64_t i = 0; i < kCount; ++i) {
        ASSERT_FLOAT_EQ(static_cast<float*>(weighted->data)[row * kCount + i], from[i] * scale * of_weights[static_cast<size_t>(i)]) << row;
        ASSERT_FLOAT_EQ(static_cast<float*>(plain->data)[row * kCount + i], from[i] * scale) << row;
      }
    }
    std::fill_n(static_cast<float*>(weighted->data), ggml_nelements(weighted), NAN);
    std::fill_n(static_cast<float*>(plain->data), ggml_nelements(plain), NAN);
  }
}

}  // namespace
}  // namespace ebb::engine_llama
