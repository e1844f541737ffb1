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

using Tiles = std::vector<char>;

// In 4 and 6 bits: of a block, what lies from `lines` on, with `bits` for each number.
unsigned bits_at(const char* lines, size_t four, size_t place, unsigned bits) {
  const size_t of_byte = 8 / bits;
  return (static_cast<uint8_t>(lines[four / of_byte * kLine + place]) >> (four % of_byte * bits)) & ((1U << bits) - 1);
}

float number_at(const TileFormat& format, const Tiles& tiles, int64_t rows, int64_t row, int64_t column) {
  const int64_t blocks = rows / format.rows;
  const char* const block = tiles.data() + static_cast<size_t>(column / 16 * blocks + row / format.rows) * format.block_bytes();
  const auto in_block = static_cast<size_t>(row % format.rows);
  const auto in_tile = static_cast<size_t>(column % 16);
  const size_t four = in_block / 4;
  const size_t place = in_tile * 4 + in_block % 4;
  float number = 0;
  if (format.bits == 8) number = static_cast<float>(static_cast<int8_t>(block[four * kLine + place]));
  if (format.bits == 4) number = static_cast<float>(bits_at(block, four, place, 4));
  if (format.bits == 6) number = static_cast<float>(bits_at(block, four, place, 4) | (bits_at(block + 2048, four, place, 2) << 4U));
  number -= static_cast<float>(format.added);
  const char* const scales = block + format.number_bytes();
  const char* const halves = scales + 16 * format.scale_bytes;
  float scale = half_at(halves + 2 * in_tile);
  float least = format.has_least ? half_at(halves + 32 + 2 * in_tile) : 0;
  const auto byte = [&](size_t index) { return static_cast<uint8_t>(scales[index * 16 + in_tile]); };
  if (format.scale_bytes == 16) scale *= static_cast<float>(static_cast<int8_t>(byte(in_block / 16)));
  if (format.scale_bytes == 12) {
    const size_t i = in_block / 32;
    scale *= static_cast<float>(i < 4 ? byte(i) & 63U : (byte(i + 4) & 15U) | (byte(i - 4) >> 6U << 4U));
    least *= -static_cast<float>(i < 4 ? byte(i + 4) & 63U : (byte(i + 4) >> 4U) | (byte(i) >> 6U << 4U));
  }
  return std::fma(number, scale, least);
}

TEST(TiledWeights, EachNumberIsWhereItIsSaidToBe) {
  struct Row {
    ggml_type type;
    TileFormat format;
    size_t block_bytes;
  };
  for (const Row& kind : {Row{GGML_TYPE_Q4_0, kTiledQ4_0, 288}, Row{GGML_TYPE_Q4_1, kTiledQ4_1, 320}, Row{GGML_TYPE_Q8_0, kTiledQ8_0, 544},
                          Row{GGML_TYPE_Q4_K, kTiledQ4_K, 2304}, Row{GGML_TYPE_Q6_K, kTiledQ6_K, 3360}}) {
    SCOPED_TRACE(ggml_type_name(kind.type));
    EXPECT_EQ(kind.format.block_bytes(), kind.block_bytes);
    constexpr int64_t kRows = 768;
    constexpr int64_t kColumns = 48;
    std::vector<float> numbers(kRows * kColumns);
    std::mt19937 random(3);
    std::ranges::generate(numbers, [&] { return std::normal_distribution<float>()(random); });
    std::vector<char> stored(ggml_row_size(kind.type, kRows) * kColumns);
    ggml_quantize_chunk(kind.type, numbers.data(), stored.data(), 0, kColumns, kRows, nullptr);
    Tiles tiles(stored.size(), '\xFF');
    lay_out_in_tiles(kind.format, stored.data(), kRows, kColumns, tiles.data());
    for (const int64_t column : {int64_t{0}, int64_t{17}, kColumns - 1}) {
      const size_t bytes = stored.size() / kColumns;
      std::vector<char> taken(bytes, '\xFF');
      take_column(kind.format, tiles.data(), kRows, column, taken.data());
      EXPECT_TRUE(std::equal(taken.begin(), taken.end(), stored.begin() + column * static_cast<int64_t>(bytes))) << "column " << column << ", taken back";
    }
    ggml_get_type_traits(kind.type)->to_float(stored.data(), numbers.data(), kRows * kColumns);
    for (int64_t column = 0; column < kColumns; ++column)
      for (int64_t row = 0; row < kRows; ++row)
        ASSERT_NEAR(number_at(kind.format, tiles, kRows, row, column), numbers[static_cast<size_t>(column * kRows + row)], 1e-6) << row << ", " << column;
  }
}

}  // namespace
}  // namespace ebb::engine_llama
