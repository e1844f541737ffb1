// The code behind tiled_product_rows.h for one kind of vector.
//
// Files that include this are compiled for other processors than the rest: all of it depends on `Tools`, which each of them has in its unnamed namespace (as
// with attention_code.h).
#pragma once

#include "engine_llama/tiled_product_rows.h"

namespace ebb::engine_llama {

inline constexpr size_t kLineBytes = 64;
inline constexpr int64_t kFours = kBlockRows / 4;

// Asks the memory for what comes a few kilobytes later, while it is gone through once: the processor itself does not look beyond a page.
template <class Tools, size_t kBlockBytes>
class ReadAhead {
  static constexpr int64_t kBlocks = 6144 / static_cast<int64_t>(kBlockBytes);

 public:
  explicit ReadAhead(const TiledProduct& product)
      : next_(product.next), left_(product.tile_count * product.blocks - kBlocks), at_(product.tiles + kBlocks * static_cast<int64_t>(kBlockBytes)) {
    if (left_ <= 0) at_ = next_ == nullptr ? nullptr : next_ - left_ * static_cast<int64_t>(kBlockBytes);
  }
  // With each block.
  void ask() {
    if (left_-- == 0) at_ = next_;
    if (at_ == nullptr) return;
    for (size_t line = 0; line < kBlockBytes; line += kLineBytes)
      __builtin_prefetch(at_ + line, 0, 3);
    at_ += kBlockBytes;
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
  static constexpr size_t kScales = kFormat.number_bytes();
  static constexpr size_t kVectorBytes = kLineBytes / kVectors;
  static constexpr size_t kHalvesBytes = 2 * Tools::kLanes;
  static constexpr bool kFourBits = kFormat.bits == 4;
  using Ahead = ReadAhead<Tools, kBytes>;

 public:
  static constexpr TiledKernel kernel() { return {.quantise = quantise, .multiply = multiply}; }

 private:
  static void quantise(const float* row, RowBlock* blocks, int64_t count) {
    constexpr uint32_t kAdded = kFormat.added + (kFourBits ? 0 : Tools::kAddedToSigned);
    for (int64_t i = 0; i < count; ++i) {
      RowBlock& block = blocks[i];
      const int sum = Tools::quantise(row + i * kBlockRows, block.numbers, block.scale);
      block.sum = block.scale * static_cast<float>(sum);
      block.offset = static_cast<int32_t>(-kAdded * static_cast<uint32_t>(sum));  // of what is no number, it may overflow
    }
  }

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
    const char* block = product.tiles + static_cast<size_t>(tile * product.blocks) * kBytes + static_cast<size_t>(part) * kVectorBytes;
    const char* halves = product.tiles + static_cast<size_t>(tile * product.blocks) * kBytes + kScales + static_cast<size_t>(part) * kHalvesBytes;
    for (int64_t i = 0; i < product.blocks; ++i) {
      if (ahead != nullptr) ahead->ask();
      add_block<kRows, kParts>(rows + i, product.blocks, block + static_cast<size_t>(i) * kBytes, halves + static_cast<size_t>(i) * kBytes, sums);
    }
    float* const results = product.results + row * product.row_results + tile * kTileColumns + part * Tools::kLanes;
    for (int r = 0; r < kRows; ++r)
      for (int p = 0; p < kParts; ++p)
        Tools::store(sums[r][p], results + r * product.row_results + p * Tools::kLanes);
  }

  // Few sums are split in two, so that none waits for the one before it.
  template <int kRows, int kParts>
  static void add_block(const RowBlock* rows, int64_t row_blocks, const char* block, const char* halves, Floats (&sums)[kRows][kParts]) {
    constexpr int kChains = kRows * kParts < 4 ? 2 : 1;
    Ints integers[kRows][kParts][kChains];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const int32_t offset = kFormat.added == 0 && (kFourBits || Tools::kAddedToSigned == 0) ? 0 : rows[r * row_blocks].offset;
#pragma GCC unroll 2
      for (int p = 0; p < kParts; ++p) {
        integers[r][p][0] = Tools::all(offset);
        if constexpr (kChains == 2) integers[r][p][1] = Tools::all(0);
      }
    }
#pragma GCC unroll 8
    for (int four = 0; four < kFours; ++four) {
#pragma GCC unroll 2
      for (int p = 0; p < kParts; ++p) {
        const Ints weights = weights_of(block + p * kVectorBytes, four);
#pragma GCC unroll 8
        for (int r = 0; r < kRows; ++r) {
          Ints& sum = integers[r][p][four % kChains];
          const int8_t* const numbers = rows[r * row_blocks].numbers + 4 * four;
          if constexpr (kFourBits) {
            sum = Tools::add_products(sum, weights, numbers);
          } else {
            sum = Tools::add_signed_products(sum, weights, numbers);
          }
        }
      }
    }
#pragma GCC unroll 2
    for (int p = 0; p < kParts; ++p) {
      const Floats scale = Tools::load_halves(halves + p * kHalvesBytes);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const RowBlock& row = rows[r * row_blocks];
        Ints integer = integers[r][p][0];
        if constexpr (kChains == 2) integer = Tools::add(integer, integers[r][p][1]);
        sums[r][p] = Tools::fused(Tools::to_floats(integer), Tools::multiply(scale, row.scale), sums[r][p]);
        if constexpr (kFormat.has_least) sums[r][p] = Tools::fused(Tools::load_halves(halves + 2 * kTileColumns + p * kHalvesBytes), row.sum, sums[r][p]);
      }
    }
  }

  static Ints weights_of(const char* block, int four) {
    if constexpr (kFourBits) {
      const Ints both = Tools::load(block + static_cast<size_t>(four / 2) * kLineBytes);
      return four % 2 == 0 ? Tools::below(both) : Tools::above(both);
    } else {
      return Tools::signed_weights(Tools::load(block + static_cast<size_t>(four) * kLineBytes));
    }
  }
};

template <class Tools>
constexpr TiledKernels tiled_kernels_by(const char* name) {
  return {.name = name,
          .q4_0 = TiledCode<Tools, kTiledQ4_0>::kernel(),
          .q4_1 = TiledCode<Tools, kTiledQ4_1>::kernel(),
          .q8_0 = TiledCode<Tools, kTiledQ8_0>::kernel()};
}

}  // namespace ebb::engine_llama
