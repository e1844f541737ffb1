// Rows of a table that lies in tiles, too: the library's to the last bit, while the model lives.
#include "engine_llama/tiled_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include "engine_llama/demo_engine_for_test.h"
#include "engine_llama/product_graph_for_test.h"
#include "engine_llama/tiled_weights.h"

namespace ebb::engine_llama {
namespace {

using testing::ElementsAreArray;

constexpr int64_t kRows = 512;  // of a column in tiles: the width of a row here
constexpr int64_t kColumns = 48;
using Context = std::unique_ptr<ggml_context, void (*)(ggml_context*)>;
Context context(bool with_data) { return {ggml_init({.mem_size = size_t{4} << 20U, .mem_buffer = nullptr, .no_alloc = !with_data}), ggml_free}; }

class TiledTableTest : public DemoEngineTest {
 protected:
  void SetUp() override {
    DemoEngineTest::SetUp();
    if (IsSkipped()) return;
    engine.reset();
    layout = buffers_for_tiles();
  }
  ggml_backend_buffer_type_t layout = nullptr;
};

TEST_F(TiledTableTest, RowsAreTheLibrarys) {
  for (const ggml_type type : {GGML_TYPE_Q4_0, GGML_TYPE_Q4_1, GGML_TYPE_Q8_0, GGML_TYPE_Q4_K, GGML_TYPE_Q6_K}) {
    SCOPED_TRACE(ggml_type_name(type));
    const Context plain = context(true);
    const Context anew = context(false);
    ggml_tensor* const table = ggml_new_tensor_2d(plain.get(), type, kRows, kColumns);
    ggml_tensor* const twin = ggml_new_tensor_2d(anew.get(), type, kRows, kColumns);
    const std::unique_ptr<ggml_backend_buffer, void (*)(ggml_backend_buffer*)> buffer(ggml_backend_alloc_ctx_tensors_from_buft(anew.get(), layout),
                                                                                      ggml_backend_buffer_free);
    if (tiles_of(*twin) == nullptr) GTEST_SKIP() << "the library has a layout of its own for this processor, or we have none";
    const Floats numbers = normal(kRows * kColumns, 1);
    ggml_quantize_chunk(type, numbers.data(), table->data, 0, kColumns, kRows, nullptr);

    // Two times three rows, one of them twice.
    ggml_tensor* const which = ggml_new_tensor_2d(plain.get(), GGML_TYPE_I32, 6, 1);
    std::ranges::copy(std::vector<int32_t>{0, 47, 16, 15, 47, 31}, static_cast<int32_t*>(which->data));
    ggml_tensor* const taken = ggml_get_rows(plain.get(), table, which);
    ggml_cgraph* const graph = ggml_new_graph(plain.get());
    ggml_build_forward_expand(graph, taken);
    const auto rows = [&](int threads) {
      auto* const results = static_cast<float*>(taken->data);
      std::fill_n(results, 6 * kRows, NAN);
      const Pool pool(threads, true);
      pool.compute(graph);
      return Floats(results, results + 6 * kRows);
    };

    std::optional<TiledTables> tables(std::in_place);
    ggml_backend_tensor_set(twin, table->data, 0, ggml_nbytes(table));
    const uint64_t before = rows_from_tiles();
    const Floats expected = rows(1);
    EXPECT_EQ(rows_from_tiles(), before) << "the model is not loaded yet";
    tables->stop();
    for (const int threads : {1, 2, 3}) {
      const uint64_t so_far = rows_from_tiles();
      EXPECT_THAT(rows(threads), ElementsAreArray(expected)) << threads << " threads";
      EXPECT_EQ(rows_from_tiles() - so_far, 6U);
    }
    const uint64_t at_end = rows_from_tiles();
    tables.reset();
    EXPECT_THAT(rows(2), ElementsAreArray(expected));
    EXPECT_EQ(rows_from_tiles(), at_end) << "the model is gone";
  }
}

}  // namespace
}  // namespace ebb::engine_llama
