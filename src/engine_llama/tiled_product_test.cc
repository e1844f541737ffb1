// Products with weights in tiles: against sums in double, the same to the last bit however many rows and threads compute them, and by the library's graphs.
#include "engine_llama/tiled_product.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "engine_llama/demo_engine_for_test.h"
#include "engine_llama/product_graph_for_test.h"
#include "engine_llama/tiled_product_rows.h"

namespace ebb::engine_llama {
namespace {

using testing::ElementsAreArray;

struct Kind {
  ggml_type type;
  TileFormat format;
  TiledKernel TiledKernels::*kernel;
};
constexpr Kind kKinds[] = {{GGML_TYPE_Q4_0, kTiledQ4_0, &TiledKernels::q4_0},
                           {GGML_TYPE_Q4_1, kTiledQ4_1, &TiledKernels::q4_1},
                           {GGML_TYPE_Q8_0, kTiledQ8_0, &TiledKernels::q8_0},
                           {GGML_TYPE_Q4_K, kTiledQ4_K, &TiledKernels::q4_k},
                           {GGML_TYPE_Q6_K, kTiledQ6_K, &TiledKernels::q6_k}};

std::vector<const TiledKernels*> able() {
  std::vector<const TiledKernels*> all;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("x86-64-v3")) all.push_back(&tiled_kernels_v3());
  if (__builtin_cpu_supports("x86-64-v4") && __builtin_cpu_supports("avx512vnni")) all.push_back(&tiled_kernels_v4());
#endif
  return all;
}

// A matrix, quantised, as floats and in tiles.
struct Weights {
  Weights(const Kind& kind, int64_t rows, int64_t columns, Floats numbers) : floats(std::move(numbers)), tiles(ggml_row_size(kind.type, rows) * columns) {
    std::vector<char> stored(tiles.size());
    ggml_quantize_chunk(kind.type, floats.data(), stored.data(), 0, columns, rows, nullptr);
    ggml_get_type_traits(kind.type)->to_float(stored.data(), floats.data(), rows * columns);
    lay_out_in_tiles(kind.format, stored.data(), rows, columns, tiles.data());
  }
  Floats floats;
  std::vector<char> tiles;
};

class Products {
 public:
  Products(const TiledKernel& kernel, const Weights& weights, int64_t rows, int64_t columns, const Floats& numbers)
      : kernel_(kernel), weights_(weights), blocks_(rows / kBlockRows), columns_(columns), count_(static_cast<int64_t>(numbers.size()) / rows) {
    quantised_.resize(static_cast<size_t>(blocks_ * count_));
    kernel.quantise(numbers.data(), quantised_.data(), blocks_ * count_);
  }
  // Of `count` rows from `first` on, and of the tiles from `tile` on.
  Floats of(int64_t first, int64_t count, int64_t tile = 0) const {
    Floats results(static_cast<size_t>(count * columns_), NAN);
    const size_t tile_bytes = weights_.tiles.size() * kTileColumns / static_cast<size_t>(columns_);
    kernel_.multiply({.rows = quantised_.data() + first * blocks_,
                      .count = count,
                      .blocks = blocks_,
                      .tiles = weights_.tiles.data() + static_cast<size_t>(tile) * tile_bytes,
                      .tile_count = columns_ / kTileColumns - tile,
                      .next = weights_.tiles.data(),
                      .results = results.data() + tile * kTileColumns,
                      .row_results = columns_});
    return results;
  }
  Floats all() const { return of(0, count_); }
  // The same of the quantised rows in double, and what rounding may make of it.
  std::pair<double, double> expected(int64_t row, int64_t column) const {
    double sum = 0;
    double of_all = 0;
    for (int64_t i = 0; i < blocks_ * kBlockRows; ++i) {
      const RowBlock& block = quantised_[static_cast<size_t>(row * blocks_ + i / kBlockRows)];
      const double one =
          static_cast<double>(block.scale) * block.numbers[i % kBlockRows] * weights_.floats[static_cast<size_t>(column * blocks_ * kBlockRows + i)];
      sum += one;
      of_all += std::abs(one);
    }
    return {sum, of_all * 1e-5};
  }

 private:
  TiledKernel kernel_;
  const Weights& weights_;
  int64_t blocks_;
  int64_t columns_;
  int64_t count_;
  std::vector<RowBlock> quantised_;
};

TEST(TiledProduct, IsTheSumAndEachRowsOwn) {
  if (able().empty()) GTEST_SKIP() << "no kernels for this processor";
  for (const TiledKernels* const kernels : able()) {
    for (const Kind& kind : kKinds) {
      for (const auto& [rows, columns] : {std::pair<int64_t, int64_t>{32, 16}, {576, 48}, {96, 320}, {256, 16}, {512, 48}, {2048, 32}}) {
        if (rows % kind.format.rows != 0) continue;
        SCOPED_TRACE(testing::Message() << kernels->name << " " << ggml_type_name(kind.type) << " " << rows << " x " << columns);
        constexpr int64_t kCount = 19;
        const Weights weights(kind, rows, columns, normal(rows * columns, 1));
        const Products products(kernels->*kind.kernel, weights, rows, columns, normal(rows * kCount, 2));
        const Floats all = products.all();
        for (int64_t row = 0; row < kCount; ++row) {
          for (int64_t column = 0; column < columns; ++column) {
            const auto [sum, rounding] = products.expected(row, column);
            ASSERT_NEAR(all[static_cast<size_t>(row * columns + column)], sum, rounding) << row << ", " << column;
          }
        }
        for (int64_t count = 1; count <= 9; ++count) {
          const Floats part(all.begin() + 3 * columns, all.begin() + (3 + count) * columns);
          ASSERT_THAT(products.of(3, count), ElementsAreArray(part)) << count << " rows";
        }
        const Floats behind = products.of(0, 1, columns / kTileColumns - 1);
        EXPECT_TRUE(std::equal(behind.end() - kTileColumns, behind.end(), all.begin() + columns - kTileColumns)) << "the last tile by itself";
      }
    }
  }
}

TEST(TiledProduct, ARowOfZerosAndTheLargestNumbers) {
  for (const TiledKernels* const kernels : able()) {
    for (const Kind& kind : kKinds) {
      SCOPED_TRACE(testing::Message() << kernels->name << " " << ggml_type_name(kind.type));
      Floats extremes(256 * 16);
      for (size_t i = 0; i < extremes.size(); ++i)
        extremes[i] = i % 3 == 0 ? 1.0F : -1.0F;
      const Weights weights(kind, 256, 16, extremes);
      Floats rows(3 * 256, 0.0F);
      std::fill(rows.begin() + 256, rows.begin() + 512, 5.0F);
      std::fill(rows.begin() + 512, rows.end(), -5.0F);
      const Products products(kernels->*kind.kernel, weights, 256, 16, rows);
      const Floats all = products.all();
      for (int64_t i = 0; i < 3 * 16; ++i) {
        const auto [sum, rounding] = products.expected(i / 16, i % 16);
        EXPECT_NEAR(all[static_cast<size_t>(i)], sum, rounding + 1e-6) << i;
      }
    }
  }
}

// To the nearest of 255 steps between the largest number and its opposite.
TEST(TiledProduct, RowsAreQuantisedByTheirLargestNumber) {
  for (const TiledKernels* const kernels : able()) {
    SCOPED_TRACE(kernels->name);
    const Floats row = normal(32, 5);
    RowBlock block{};
    kernels->q4_0.quantise(row.data(), &block, 1);
    const float largest = std::abs(*std::ranges::max_element(row, {}, [](float a) { return std::abs(a); }));
    EXPECT_FLOAT_EQ(block.scale, largest / 127);
    int sum = 0;
    for (size_t i = 0; i < row.size(); ++i) {
      EXPECT_NEAR(static_cast<float>(block.numbers[i]), row[i] / block.scale, 0.501F);
      sum += block.numbers[i];
    }
    EXPECT_FLOAT_EQ(block.sum, static_cast<float>(sum) * block.scale);
    EXPECT_EQ(block.offsets[0], -8 * sum);
  }
}

class TiledProductOfGraphTest : public DemoEngineTest {
 protected:
  void SetUp() override {
    DemoEngineTest::SetUp();
    if (IsSkipped()) return;
    engine.reset();
    layout = buffers_for_tiles();
    const Graph probe(layout, GGML_TYPE_Q4_0, 32, 32, 1);
    if (tiles_of(*probe.products()[0]->src[0]) == nullptr) GTEST_SKIP() << "the library has a layout of its own for this processor, or we have none";
  }
  ggml_backend_buffer_type_t layout = nullptr;
};

TEST_F(TiledProductOfGraphTest, AnyNumberOfThreadsAndRowsGivesTheSame) {
  for (const Kind& kind : kKinds) {
    SCOPED_TRACE(ggml_type_name(kind.type));
    const Graph many(layout, kind.type, 256, 512, 7, 11);
    const Graph one(layout, kind.type, 256, 512, 7, 1);  // the same weights, and the first of the rows
    const Pool alone(1, true);
    alone.compute(many.get());
    const std::vector<Floats> expected = many.take_results();
    for (const int threads : {1, 2, 3}) {
      const uint64_t before = tiled_products();
      const Pool pool(threads, true);
      pool.compute(many.get());
      EXPECT_THAT(many.take_results(), ElementsAreArray(expected)) << threads << " threads";
      pool.compute(one.get());
      const std::vector<Floats> of_one = one.take_results();
      for (size_t i = 0; i < of_one.size(); ++i)
        EXPECT_TRUE(std::equal(of_one[i].begin(), of_one[i].end(), expected[i].begin())) << threads << " threads, product " << i;
      EXPECT_EQ(tiled_products() - before, 6U) << "they are ours";
    }
    const Pool not_a_team(2, false);
    not_a_team.compute(many.get());
    EXPECT_THAT(many.take_results(), ElementsAreArray(expected)) << "the library's own barrier";
  }
}

}  // namespace
}  // namespace ebb::engine_llama
