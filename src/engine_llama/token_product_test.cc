// Products of one token against the library's own, to the last bit, by teams of any size.
#include "engine_llama/token_product.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "engine_llama/demo_engine_for_test.h"
#include "engine_llama/library_function.h"
#include "engine_llama/product_graph_for_test.h"

namespace ebb::engine_llama {
namespace {

using testing::ElementsAreArray;

// The library's layout for weights; nullptr where the processor has none.
ggml_backend_buffer_type_t layout() {
  auto* const find = reinterpret_cast<ggml_backend_buffer_type_t (*)()>(find_library_function("_Z28ggml_backend_amx_buffer_typev"));
  return find == nullptr ? nullptr : find();
}

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
      const Graph graph(layout(), type, rows, columns, 7);
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
  const Graph small(layout(), GGML_TYPE_Q8_0, 64, 96, 1);
  const Graph large(layout(), GGML_TYPE_Q4_1, 576, 1536, 2);
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
    const Graph graph(layout(), type, 288, 96, 3);
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
  const Graph graph(layout(), GGML_TYPE_Q4_0, 64, 64, 4);
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
