// Where each number lies in a tile, read back by the words of tiled_weights.h.
#include "engine_llama/tiled_weights.h"

#include <ggml.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

namespace ebb::engine_llama {
namespace {

constexpr size_t kLine = 64;

float half_at(const char* from) {
  ggml_fp16_t half = 0;
  std::memcpy(&half, from, sizeof half);
  return ggml_fp16_to_fp32(half);
}

float number_at(const TileFormat& format, const std::vector<char>& tiles, int64_t rows, int64_t row, int64_t column) {
  const int64_t blocks = rows / 32;
  const char* const block = tiles.data() + static_cast<size_t>(column / 16 * blocks + row / 32) * format.block_bytes();
  const auto four = static_cast<size_t>(row % 32 / 4);
  const auto place = static_cast<size_t>(column % 16 * 4 + row % 4);
  float number = 0;
  if (format.bits == 4) {
    const auto both = static_cast<uint8_t>(block[four / 2 * kLine + place]);
    number = static_cast<float>(four % 2 == 0 ? both & 0xFU : both >> 4U) - static_cast<float>(format.added);
  } else {
    number = static_cast<float>(static_cast<int8_t>(block[four * kLine + place]));
  }
  const char* const scales = block + format.number_bytes();
  const auto in_tile = static_cast<size_t>(column % 16);
  const float least = format.has_least ? half_at(scales + 32 + 2 * in_tile) : 0;
  return std::fma(number, half_at(scales + 2 * in_tile), least);
}

TEST(TiledWeights, EachNumberIsWhereItIsSaidToBe) {
  struct Row {
    ggml_type type;
    TileFormat format;
    size_t block_bytes;
  };
  for (const Row& kind : {Row{GGML_TYPE_Q4_0, kTiledQ4_0, 288}, Row{GGML_TYPE_Q4_1, kTiledQ4_1, 320}, Row{GGML_TYPE_Q8_0, kTiledQ8_0, 544}}) {
    SCOPED_TRACE(ggml_type_name(kind.type));
    EXPECT_EQ(kind.format.block_bytes(), kind.block_bytes);
    constexpr int64_t kRows = 96;
    constexpr int64_t kColumns = 48;
    std::vector<float> numbers(kRows * kColumns);
    std::mt19937 random(3);
    std::ranges::generate(numbers, [&] { return std::normal_distribution<float>()(random); });
    std::vector<char> stored(ggml_row_size(kind.type, kRows) * kColumns);
    ggml_quantize_chunk(kind.type, numbers.data(), stored.data(), 0, kColumns, kRows, nullptr);
    std::vector<char> tiles(stored.size(), '\xFF');
    lay_out_in_tiles(kind.format, stored.data(), kRows, kColumns, tiles.data());
    ggml_get_type_traits(kind.type)->to_float(stored.data(), numbers.data(), kRows * kColumns);
    for (int64_t column = 0; column < kColumns; ++column)
      for (int64_t row = 0; row < kRows; ++row)
        ASSERT_NEAR(number_at(kind.format, tiles, kRows, row, column), numbers[static_cast<size_t>(column * kRows + row)], 1e-6) << row << ", " << column;
  }
}

}  // namespace
}  // namespace ebb::engine_llama
