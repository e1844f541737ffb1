// Graphs of products whose weights are laid out anew, and who computes them.
#pragma once

#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "engine_llama/library_function.h"
#include "engine_llama/team.h"
#include "engine_llama/tensor_memory.h"

namespace ebb::engine_llama {

using Floats = std::vector<float>;

inline Floats normal(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  Floats numbers(static_cast<size_t>(count));
  std::ranges::generate(numbers, [&] { return std::normal_distribution<float>()(random); });
  return numbers;
}

// The library's buffers for weights in another order, where ours are in tiles.
inline ggml_backend_buffer_type_t buffers_for_tiles() {
  auto* const find = reinterpret_cast<ggml_backend_buffer_type_t (*)()>(find_library_function("_Z35ggml_backend_cpu_repack_buffer_typev"));
  return find == nullptr ? nullptr : find();
}

// Threads of the library, in a team of ours if they are to be.
class Pool {
 public:
  Pool(int threads, bool as_team) : threads_(threads) {
    ggml_threadpool_params params = ggml_threadpool_params_default(threads);
    pool_ = library_function<ggml_threadpool*(ggml_threadpool_params*)>("ggml_threadpool_new")(&params);
    if (as_team) Team::enlist(pool_, threads);
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() {
    Team::dismiss(pool_);
    library_function<void(ggml_threadpool*)>("ggml_threadpool_free")(pool_);
  }
  // By as many of them.
  void compute(ggml_cgraph* graph, int threads) const {
    ggml_cplan plan = library_function<ggml_cplan(const ggml_cgraph*, int, ggml_threadpool*)>("ggml_graph_plan")(graph, threads, pool_);
    std::vector<uint8_t> work(plan.work_size + 64);
    plan.work_data = work.data();
    ASSERT_EQ(ggml_graph_compute(graph, &plan), GGML_STATUS_SUCCESS);
  }
  void compute(ggml_cgraph* graph) const { compute(graph, threads_); }
  ggml_threadpool* get() const { return pool_; }

 private:
  int threads_;
  ggml_threadpool* pool_ = nullptr;
};

// Some rows (`count`) through two matrices beside each other, added up, and through a third one.
class Graph {
 public:
  Graph(ggml_backend_buffer_type_t layout, ggml_type type, int64_t rows, int64_t columns, uint32_t seed, int64_t count = 1) : random_(seed) {
    const auto context = [](bool data) { return ggml_init({.mem_size = size_t{8} << 20U, .mem_buffer = nullptr, .no_alloc = !data}); };
    weights_.reset(context(false));
    rest_.reset(context(true));
    ggml_tensor* const one = ggml_new_tensor_2d(weights_.get(), type, rows, columns);
    ggml_tensor* const two = ggml_new_tensor_2d(weights_.get(), type, rows, columns);
    ggml_tensor* const three = ggml_new_tensor_2d(weights_.get(), type, columns, rows);
    take_from_heap(true);
    buffer_.reset(ggml_backend_alloc_ctx_tensors_from_buft(weights_.get(), layout));
    take_from_heap(false);
    for (ggml_tensor* tensor : {one, two, three})
      fill(*tensor);
    rows_ = ggml_new_tensor_2d(rest_.get(), GGML_TYPE_F32, rows, count);
    std::generate_n(static_cast<float*>(rows_->data), rows * count, [this] { return number(); });
    products_ = {ggml_mul_mat(rest_.get(), one, rows_), ggml_mul_mat(rest_.get(), two, rows_)};
    products_.push_back(ggml_mul_mat(rest_.get(), three, ggml_add(rest_.get(), products_[0], products_[1])));
    graph_ = ggml_new_graph(rest_.get());
    ggml_build_forward_expand(graph_, products_.back());
  }

  ggml_cgraph* get() const { return graph_; }
  const ggml_tensor& rows() const { return *rows_; }
  const std::vector<ggml_tensor*>& products() const { return products_; }
  // As they were computed last; then all that was computed is forgotten.
  std::vector<Floats> take_results() const {
    std::vector<Floats> all;
    for (const ggml_tensor* product : products_)
      all.emplace_back(static_cast<float*>(product->data), static_cast<float*>(product->data) + ggml_nelements(product));
    for (int i = 0; i < ggml_graph_n_nodes(graph_); ++i) {
      const ggml_tensor* const node = ggml_graph_node(graph_, i);
      std::fill_n(static_cast<float*>(node->data), ggml_nelements(node), NAN);
    }
    return all;
  }

 private:
  struct FreeContext {
    void operator()(ggml_context* context) const { ggml_free(context); }
  };
  struct FreeBuffer {
    void operator()(ggml_backend_buffer* buffer) const { ggml_backend_buffer_free(buffer); }
  };

  float number() { return std::normal_distribution<float>()(random_); }
  void fill(ggml_tensor& tensor) {
    Floats numbers(static_cast<size_t>(ggml_nelements(&tensor)));
    std::ranges::generate(numbers, [this] { return number(); });
    std::vector<char> stored(ggml_nbytes(&tensor));
    ggml_quantize_chunk(tensor.type, numbers.data(), stored.data(), 0, tensor.ne[1], tensor.ne[0], nullptr);
    ggml_backend_tensor_set(&tensor, stored.data(), 0, stored.size());
  }

  std::mt19937 random_;
  std::unique_ptr<ggml_context, FreeContext> weights_;
  std::unique_ptr<ggml_context, FreeContext> rest_;
  std::unique_ptr<ggml_backend_buffer, FreeBuffer> buffer_;
  ggml_tensor* rows_ = nullptr;
  std::vector<ggml_tensor*> products_;
  ggml_cgraph* graph_ = nullptr;
};

}  // namespace ebb::engine_llama
