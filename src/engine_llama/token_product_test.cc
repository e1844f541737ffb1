// Products of one token against the library's own, to the last bit, by teams of any size.
#include "engine_llama/token_product.h"

#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "engine_llama/demo_engine_for_test.h"
#include "engine_llama/library_function.h"
#include "engine_llama/team.h"
#include "engine_llama/tensor_memory.h"

namespace ebb::engine_llama {
namespace {

using testing::ElementsAreArray;
using Floats = std::vector<float>;

// The library's layout for weights; nullptr where the processor has none.
ggml_backend_buffer_type_t layout() {
  auto* const find = reinterpret_cast<ggml_backend_buffer_type_t (*)()>(find_library_function("_Z28ggml_backend_amx_buffer_typev"));
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

// A row through two matrices beside each other, added up, and through a third one.
class Graph {
 public:
  Graph(ggml_type type, int64_t rows, int64_t columns, uint32_t seed) : random_(seed) {
    const auto context = [](bool data) { return ggml_init({.mem_size = size_t{8} << 20U, .mem_buffer = nullptr, .no_alloc = !data}); };
    weights_.reset(context(false));
    rest_.reset(context(true));
    ggml_tensor* const one = ggml_new_tensor_2d(weights_.get(), type, rows, columns);
    ggml_tensor* const two = ggml_new_tensor_2d(weights_.get(), type, rows, columns);
    ggml_tensor* const three = ggml_new_tensor_2d(weights_.get(), type, columns, rows);
    take_from_heap(true);
    buffer_.reset(ggml_backend_alloc_ctx_tensors_from_buft(weights_.get(), layout()));
    take_from_heap(false);
    for (ggml_tensor* tensor : {one, two, three})
      fill(*tensor);
    row_ = ggml_new_tensor_2d(rest_.get(), GGML_TYPE_F32, rows, 1);
    for (int64_t i = 0; i < rows; ++i)
      static_cast<float*>(row_->data)[i] = number();
    products_ = {ggml_mul_mat(rest_.get(), one, row_), ggml_mul_mat(rest_.get(), two, row_)};
    products_.push_back(ggml_mul_mat(rest_.get(), three, ggml_add(rest_.get(), products_[0], products_[1])));
    graph_ = ggml_new_graph(rest_.get());
    ggml_build_forward_expand(graph_, products_.back());
  }

  ggml_cgraph* get() const { return graph_; }
  // As they were computed last; then all that was computed is forgotten.
  std::vector<Floats> take_results() const {
    std::vector<Floats> all;
    for (const ggml_tensor* product : products_)
      all.emplace_back(static_cast<float*>(product->data), static_cast<float*>(product->data) + product->ne[0]);
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
  ggml_tensor* row_ = nullptr;
  std::vector<ggml_tensor*> products_;
  ggml_cgraph* graph_ = nullptr;
};

class TokenProductTest : public DemoEngineTest {
 protected:
  void SetUp() override {
    DemoEngineTest::SetUp();
    if (IsSkipped()) return;
    engine.reset();
    if (layout() == nullptr) GTEST_SKIP() << "the engine has no other layout for weights on this processor";
  }

  // By the library's own function, which is given each product as it stands in the graph.
  static std::vector<Floats> computed_by_library(const Graph& graph) {
    static auto* const multiply =
        library_function<void(const ggml_compute_params*, ggml_tensor*)>("_Z24ggml_backend_amx_mul_matPK19ggml_compute_paramsP11ggml_tensor");
    const Pool pool(1, false);
    pool.compute(graph.get());  // what is between the products, too
    std::vector<char> room(1 << 16);
    // Its barrier wants a pool, and asks nothing of one thread.
    struct {
      ggml_compute_params params;
      bool reference = false;
    } whole{.params = {.ith = 0, .nth = 1, .wsize = room.size(), .wdata = room.data(), .threadpool = pool.get()}};
    for (int i = 0; i < ggml_graph_n_nodes(graph.get()); ++i)
      if (ggml_tensor* const node = ggml_graph_node(graph.get(), i); node->op == GGML_OP_MUL_MAT) multiply(&whole.params, node);
    return graph.take_results();
  }
};

constexpr ggml_type kTypes[] = {GGML_TYPE_Q4_0, GGML_TYPE_Q4_1, GGML_TYPE_Q8_0};

TEST_F(TokenProductTest, IsTheLibrarysToTheLastBit) {
  for (const ggml_type type : kTypes) {
    for (const auto& [rows, columns] : {std::pair<int64_t, int64_t>{32, 32}, {576, 192}, {96, 1536}, {2048, 32}}) {
      SCOPED_TRACE(testing::Message() << ggml_type_name(type) << " " << rows << " x " << columns);
      const Graph graph(type, rows, columns, 7);
      const std::vector<Floats> expected = computed_by_library(graph);
      for (const int threads : {1, 2, 3}) {
        const uint64_t before = token_products();
        const Pool pool(threads, true);
        pool.compute(graph.get());
        EXPECT_THAT(graph.take_results(), ElementsAreArray(expected)) << threads << " threads";
        EXPECT_EQ(token_products() - before, 3U) << "they are ours";
      }
    }
  }
}

TEST_F(TokenProductTest, ATeamComputesManyGraphsAndPoolsComeAndGo) {
  const Graph small(GGML_TYPE_Q8_0, 64, 96, 1);
  const Graph large(GGML_TYPE_Q4_1, 576, 1536, 2);
  const std::vector<Floats> of_small = computed_by_library(small);
  const std::vector<Floats> of_large = computed_by_library(large);
  for (int round = 0; round < 20; ++round) {
    const Pool one(2, true);
    const Pool two(2, round % 2 == 0);  // the library's own barrier
    for (int i = 0; i < 10; ++i) {
      (i % 3 == 0 ? two : one).compute(small.get());
      ASSERT_THAT(small.take_results(), ElementsAreArray(of_small));
      one.compute(large.get(), i % 4 == 0 ? 1 : 2);  // not by all of them: the library's affair
      ASSERT_THAT(large.take_results(), ElementsAreArray(of_large));
    }
  }
}

TEST_F(TokenProductTest, SeveralTeamsComputeAtOnce) {
  const auto compute = [](ggml_type type) {
    const Graph graph(type, 288, 96, 3);
    const std::vector<Floats> expected = computed_by_library(graph);
    for (int round = 0; round < 30; ++round) {
      const Pool pool(2, true);
      pool.compute(graph.get());
      ASSERT_THAT(graph.take_results(), ElementsAreArray(expected));
    }
  };
  std::thread beside(compute, GGML_TYPE_Q4_0);
  compute(GGML_TYPE_Q8_0);
  beside.join();
}

// More pools than there is room for: the library's barrier serves the rest.
TEST_F(TokenProductTest, TooManyTeams) {
  const Graph graph(GGML_TYPE_Q4_0, 64, 64, 4);
  const std::vector<Floats> expected = computed_by_library(graph);
  std::vector<std::unique_ptr<Pool>> pools;
  for (int i = 0; i < 20; ++i) {
    pools.push_back(std::make_unique<Pool>(2, true));
    pools.back()->compute(graph.get());
    EXPECT_THAT(graph.take_results(), ElementsAreArray(expected)) << "pool " << i;
  }
}

}  // namespace
}  // namespace ebb::engine_llama
