// The code behind tiled_product_rows.h for one kind of vector.
//
// Files that include this are compiled for other processors than the rest: all of it depends on `Tools`, which each of them has in its unnamed namespace (as
// with attention_code.h), also what makes no use of it.
#pragma once

#include "engine_llama/tiled_product_rows.h"

namespace ebb::engine_llama {

inline constexpr size_t kLineBytes = 64;

// Asks the memory for what comes a few kilobytes later, while it is gone through once: the processor itself does not look beyond a page.
template <class Tools, TileFormat kFormat>
class ReadAhead {
  static constexpr int64_t kStepBytes = kFormat.block_bytes() * kBlockRows / kFormat.rows;
  static constexpr int64_t kSteps = 6144 / kStepBytes;

 public:
  explicit ReadAhead(const TiledProduct& product)
      : next_(product.next), left_(product.tile_count * product.blocks - kSteps), at_(product.tiles + kSteps * kStepBytes) {
    if (left_ <= 0) at_ = next_ == nullptr ? nullptr : next_ - left_ * kStepBytes;
  }
  // With 32 rows of a tile.
  void ask() {
    if (left_-- == 0) at_ = next_;
    if (at_ == nullptr) return;
    for (size_t line = 0; line < kStepBytes; line += kLineBytes)
      __builtin_prefetch(at_ + line, 0, 3);
    at_ += kStepBytes;
  }

 private:
  const char* next_;
  int64_t left_;
  const char* at_;
};

template <class Tools, TileFormat kFormat>
class TiledCode {
  using Ints = typename Tools::Ints;
  using Floats = typename Tools::Floats;
  static constexpr int kVectors = static_cast<int>(kTileColumns) / Tools::kLanes;  // of a tile's columns
  static constexpr size_t kBytes = kFormat.block_bytes();
  static constexpr int64_t kUnit = kFormat.rows / kBlockRows;  // a row's blocks for one of a tile
  static constexpr bool kFourBits = kFormat.bits == 4;
  static constexpr bool kSigned = kFormat.bits == 8;
  static constexpr int kAdded = kFormat.added + (kSigned ? Tools::kAddedToSigned : 0);
  static constexpr bool kHalves = kFormat.scale_rows < kBlockRows;
  // Of a tile's columns, each vector has a part of every line.
  static constexpr size_t kVectorBytes = kLineBytes / kVectors;
  static constexpr size_t kHalvesBytes = 2 * Tools::kLanes;
  // Of a block.
  static constexpr size_t kNumbers32 = (kSigned ? 8 : 4) * kLineBytes;  // of 32 rows; in 6 bits, the lower 4
  static constexpr size_t kUpper = kUnit * kNumbers32;
  static constexpr size_t kUpper32 = 2 * kLineBytes;
  static constexpr size_t kScales = kFormat.number_bytes();
  static constexpr size_t kScale = kScales + static_cast<size_t>(kFormat.scale_bytes) * kTileColumns;
  using Ahead = ReadAhead<Tools, kFormat>;

 public:
  static constexpr TiledKernel kernel() { return {.quantise = quantise, .multiply = multiply}; }

 private:
  static void quantise(const float* row, RowBlock* blocks, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      RowBlock& block = blocks[i];
      int sums[2];
      Tools::quantise(row + i * kBlockRows, block.numbers, block.scale, sums);
      block.sum = block.scale * (static_cast<float>(sums[0]) + static_cast<float>(sums[1]));
      block.offsets[0] = kHalves ? offset(sums[0]) : offset(sums[0]) + offset(sums[1]);
      block.offsets[1] = offset(sums[1]);
    }
  }

  // What is no number may give any sum.
  static int32_t offset(int sum) { return static_cast<int32_t>(static_cast<uint32_t>(-kAdded) * static_cast<uint32_t>(sum)); }

  static void multiply(const TiledProduct& product) {
    Ahead ahead(product);
    for (int64_t tile = 0; tile < product.tile_count; ++tile) {
      for (int64_t row = 0; row < product.count; row += Tools::kRowsAtOnce)
        take_rows<Tools::kRowsAtOnce>(product, tile, row, row == 0 ? &ahead : nullptr);
    }
  }

  // So many, or as many as are left.
  template <int kRows>
  static void take_rows(const TiledProduct& product, int64_t tile, int64_t row, Ahead* ahead) {
    if constexpr (kRows > 1) {
      if (product.count - row < kRows) return take_rows<kRows - 1>(product, tile, row, ahead);
    }
    constexpr int kParts = kRows * kVectors <= Tools::kSumsMax ? kVectors : 1;
    for (int part = 0; part < kVectors; part += kParts)
      take<kRows, kParts>(product, tile, row, part, part == 0 ? ahead : nullptr);
  }

  template <int kRows, int kParts>
  static void take(const TiledProduct& product, int64_t tile, int64_t row, int part, Ahead* ahead) {
    Floats sums[kRows][kParts];
    for (int r = 0; r < kRows; ++r)
      for (int p = 0; p < kParts; ++p)
        sums[r][p] = Tools::zero();
    const RowBlock* rows = product.rows + row * product.blocks;
    const char* block = product.tiles + static_cast<size_t>(tile * (product.blocks / kUnit)) * kBytes;
    for (int64_t i = 0; i < product.blocks; i += kUnit) {
      add_block<kRows, kParts>(rows + i, product.blocks, block, part, ahead, sums);
      block += kBytes;
    }
    float* const results = product.results + row * product.row_results + tile * kTileColumns + part * Tools::kLanes;
    for (int r = 0; r < kRows; ++r)
      for (int p = 0; p < kParts; ++p)
        Tools::store(sums[r][p], results + r * product.row_results + p * Tools::kLanes);
  }

  // A row's next block, or eight, with a tile's.
  template <int kRows, int kParts>
  static void add_block(const RowBlock* rows, int64_t row_blocks, const char* block, int part, Ahead* ahead, Floats (&sums)[kRows][kParts]) {
    const char* const lines = block + static_cast<size_t>(part) * kVectorBytes;
    const char* const halves = block + kScale + static_cast<size_t>(part) * kHalvesBytes;
    const char* const scales = block + kScales + part * Tools::kLanes;
    const auto scale = [halves](int p) { return Tools::load_halves(halves + p * kHalvesBytes); };
    const auto least = [halves](int p) { return Tools::load_halves(halves + 2 * kTileColumns + p * kHalvesBytes); };
    if constexpr (kUnit == 1) {
      if (ahead != nullptr) ahead->ask();
      add_rows<kRows, kParts, 0, 8>(rows, row_blocks, lines, lines, scale, least, sums);
    } else if constexpr (kFourBits) {
      for (int i = 0; i < kUnit; ++i) {
        if (ahead != nullptr) ahead->ask();
        const auto scale_of = [&](int p) { return Tools::multiply(scale(p), Tools::to_floats(scale_of_six_bits(scales + p * Tools::kLanes, i))); };
        const auto least_of = [&](int p) {
          return Tools::multiply(Tools::negative(least(p)), Tools::to_floats(least_of_six_bits(scales + p * Tools::kLanes, i)));
        };
        add_rows<kRows, kParts, 0, 8>(rows + i, row_blocks, lines + static_cast<size_t>(i) * kNumbers32, lines, scale_of, least_of, sums);
      }
    } else {
      for (int i = 0; i < kUnit; ++i) {
        if (ahead != nullptr) ahead->ask();
        const char* const numbers = lines + static_cast<size_t>(i) * kNumbers32;
        const char* const upper = lines + kUpper + static_cast<size_t>(i) * kUpper32;
        const auto scale_of = [&](int p, int half) {
          return Tools::multiply(scale(p), Tools::to_floats(Tools::load_signed_bytes(scales + (2 * i + half) * kTileColumns + p * Tools::kLanes)));
        };
        add_rows<kRows, kParts, 0, 4>(
            rows + i, row_blocks, numbers, upper, [&](int p) { return scale_of(p, 0); }, least, sums);
        add_rows<kRows, kParts, 4, 4>(
            rows + i, row_blocks, numbers, upper, [&](int p) { return scale_of(p, 1); }, least, sums);
      }
    }
  }

  // Of 32 rows, or 16. Few sums are split in two, so that none waits for the one before it.
  template <int kRows, int kParts, int kFirstFour, int kFourCount, class Scale, class Least>
  static void add_rows(const RowBlock* rows, int64_t row_blocks, const char* numbers, const char* upper, const Scale& scale, const Least& least,
                       Floats (&sums)[kRows][kParts]) {
    constexpr int kChains = kRows * kParts < 4 ? 2 : 1;
    Ints integers[kRows][kParts][kChains];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const int32_t offset = kAdded == 0 ? 0 : rows[r * row_blocks].offsets[kFirstFour == 0 ? 0 : 1];
#pragma GCC unroll 2
      for (int p = 0; p < kParts; ++p) {
        integers[r][p][0] = Tools::all(offset);
        if constexpr (kChains == 2) integers[r][p][1] = Tools::all(0);
      }
    }
#pragma GCC unroll 8
    for (int four = kFirstFour; four < kFirstFour + kFourCount; ++four) {
#pragma GCC unroll 2
      for (int p = 0; p < kParts; ++p) {
        const Ints weights = weights_of(numbers + p * kVectorBytes, upper + p * kVectorBytes, four);
#pragma GCC unroll 8
        for (int r = 0; r < kRows; ++r) {
          Ints& sum = integers[r][p][four % kChains];
          const int8_t* const of_row = rows[r * row_blocks].numbers + 4 * four;
          if constexpr (kSigned) {
            sum = Tools::add_signed_products(sum, weights, of_row);
          } else {
            sum = Tools::add_products(sum, weights, of_row);
          }
        }
      }
    }
#pragma GCC unroll 2
    for (int p = 0; p < kParts; ++p) {
      const Floats by = scale(p);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const RowBlock& row = rows[r * row_blocks];
        Ints integer = integers[r][p][0];
        if constexpr (kChains == 2) integer = Tools::add(integer, integers[r][p][1]);
        sums[r][p] = Tools::fused(Tools::to_floats(integer), Tools::multiply(by, Tools::all(row.scale)), sums[r][p]);
      }
      if constexpr (kFormat.has_least) {
        const Floats below = least(p);
#pragma GCC unroll 8
        for (int r = 0; r < kRows; ++r)
          sums[r][p] = Tools::fused(below, Tools::all(rows[r * row_blocks].sum), sums[r][p]);
      }
    }
  }

  static Ints weights_of(const char* numbers, const char* upper, int four) {
    if constexpr (kSigned) {
      return Tools::signed_weights(Tools::load(numbers + static_cast<size_t>(four) * kLineBytes));
    } else {
      const Ints both = Tools::load(numbers + static_cast<size_t>(four / 2) * kLineBytes);
      const Ints lower = four % 2 == 0 ? Tools::below(both) : Tools::above(both);
      if constexpr (kFourBits) return lower;
      return Tools::either(lower, Tools::fifth_and_sixth(Tools::load(upper + static_cast<size_t>(four / 4) * kLineBytes), four % 4));
    }
  }

  // Of the twelve bytes the first four hold four scales and, above them, the upper bits of the fifth to the eighth; the next four the same of least values; the
  // last four the lower bits of both.
  static Ints byte_of(const char* scales, int index) { return Tools::load_bytes(scales + index * kTileColumns); }
  static Ints scale_of_six_bits(const char* scales, int index) { return six_bits(scales, index, 0); }
  static Ints least_of_six_bits(const char* scales, int index) { return six_bits(scales, index, 4); }
  static Ints six_bits(const char* scales, int index, int least) {
    if (index < 4) return Tools::lowest(byte_of(scales, index + least), 6);
    const Ints both = byte_of(scales, index + 4);
    const Ints lower = least == 0 ? Tools::lowest(both, 4) : Tools::without_lowest(both, 4);
    return Tools::either(lower, Tools::shifted_up(Tools::without_lowest(byte_of(scales, index - 4 + least), 6), 4));
  }
};

template <class Tools>
constexpr TiledKernels tiled_kernels_by(const char* name) {
  return {.name = name,
          .q4_0 = TiledCode<Tools, kTiledQ4_0>::kernel(),
          .q4_1 = TiledCode<Tools, kTiledQ4_1>::kernel(),
          .q8_0 = TiledCode<Tools, kTiledQ8_0>::kernel(),
          .q4_k = TiledCode<Tools, kTiledQ4_K>::kernel(),
          .q6_k = TiledCode<Tools, kTiledQ6_K>::kernel()};
}

}  // namespace ebb::engine_llama
