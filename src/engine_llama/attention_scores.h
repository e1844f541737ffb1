// The scores of a block of cells: what queries times keys give, for one kind of vector. What attention_code.h says of files that include it holds here too.
#pragma once

#include <cstring>

#include "engine_llama/attention_rows.h"

namespace ebb::engine_llama {

// Of a class, since a function of all that include this would be there once, as one of them compiled it.
template <class Vector>
struct AttentionTools {
  static int64_t smaller(int64_t a, int64_t b) { return b < a ? b : a; }

  // Of the memory, before it is needed: the processor itself does not see what comes next in rows that lie apart.
  static void ask_for(const char* halves, int64_t count) {
    for (int64_t i = 0; i < count; i += 32)
      __builtin_prefetch(halves + i * 2);
  }

  // Of one row, with zeros up to `padded`, which is of whole vectors.
  static void to_floats(const uint16_t* halves, int64_t count, int64_t padded, float* to) {
    const int64_t whole = count / Vector::kFloats * Vector::kFloats;
    for (int64_t i = 0; i < whole; i += Vector::kFloats)
      Vector::of_halves(halves + i).store(to + i);
    for (int64_t i = whole; i < padded; ++i)
      to[i] = i < count ? Vector::of_half(halves[i]) : 0.0F;
  }

  static constexpr int kRowsAtOnce = 6;

  // Calls `step` with the first of some rows and, as a type, how many they are.
  template <class Step>
  static void for_rows(int count, Step step) {
    int row = 0;
    for (; row + kRowsAtOnce <= count; row += kRowsAtOnce)
      step.template operator()<kRowsAtOnce>(row);
    switch (count - row) {
      case 5: return step.template operator()<5>(row);
      case 4: return step.template operator()<4>(row);
      case 3: return step.template operator()<3>(row);
      case 2: return step.template operator()<2>(row);
      case 1: return step.template operator()<1>(row);
      default: return;
    }
  }
};

// A score is a sum of as many parts as a vector has: each adds up every so many of a query's numbers times a key's, and then the second half of the parts is
// added to the first, until one is left. Few rows have a cell's parts in a vector; many have the same part of several cells in one, for which the keys are
// turned round.
template <class Vector>
class AttentionScores : AttentionTools<Vector> {
  using Tools = AttentionTools<Vector>;
  static constexpr int kWidth = Vector::kFloats;

 public:
  static constexpr int kFewRows = 12;

  // Works in `queries` (for kAttentionRowsMax rows) and `keys` (for kAttentionCells), each of numbers() floats, and leaves its scores in `scores`, row by row.
  AttentionScores(const AttentionRows& rows, float* queries, float* keys, float* scores)
      : rows_(rows), count_(rows.tokens * rows.heads), key_floats_(numbers(rows)), queries_(queries), keys_(keys), scores_(scores) {}

  // The width of a key in whole vectors.
  static int64_t numbers(const AttentionRows& rows) { return (rows.key_width + kWidth - 1) / kWidth * kWidth; }

  void take_queries() {
    ask_for_first_keys();
    for (int row = 0; row < count_; ++row) {
      const int token = row / rows_.heads;
      const int head = row % rows_.heads;
      const auto* const from =
          reinterpret_cast<const float*>(rows_.queries + static_cast<size_t>(token) * rows_.query_of_token + static_cast<size_t>(head) * rows_.query_of_head);
      const float scale = rows_.softcap == 0 ? rows_.scale : rows_.scale / rows_.softcap;
      float* const query = queries_ + row * key_floats_;
      for (int64_t i = 0; i < key_floats_; ++i)
        query[i] = i < rows_.key_width ? from[i] * scale : 0.0F;
    }
  }

  // Of all rows with the cells from `first` on; of those that are not there, any.
  void score(int64_t first, int64_t count) {
    if (count_ <= kFewRows) return score_by_cells(first, count);
    take_keys(first, count);
    Tools::for_rows(count_, [this]<int kRows>(int row) {
      for (int64_t cell = 0; cell < kAttentionCells; cell += Vector::kAtOnce * kWidth)
        this->template score_some<kRows>(row, cell);
    });
  }

 private:
  void ask_for_first_keys() const {
    if (count_ > kFewRows) return;
    for (int64_t cell = 0; cell < Tools::smaller(kAttentionCells, rows_.cells); ++cell)
      Tools::ask_for(rows_.keys + static_cast<size_t>(cell) * rows_.key_of_cell, rows_.key_width);
  }

  void score_by_cells(int64_t first, int64_t count) {
    const char* const from = rows_.keys + static_cast<size_t>(first) * rows_.key_of_cell;
    const char* const values = rows_.values + static_cast<size_t>(first) * rows_.value_of_cell;
    for (int64_t cell = 0; cell < count; cell += kWidth) {
      for (int64_t i = cell; i < Tools::smaller(cell + kWidth, count); ++i) {
        Tools::ask_for(values + static_cast<size_t>(i) * rows_.value_of_cell, rows_.value_width);
        if (first + kAttentionCells + i < rows_.cells) Tools::ask_for(from + static_cast<size_t>(kAttentionCells + i) * rows_.key_of_cell, rows_.key_width);
      }
      take_cells(from + static_cast<size_t>(cell) * rows_.key_of_cell, Tools::smaller(kWidth, count - cell));
      for (int row = 0; row < count_; ++row) {
        Vector parts[kWidth];
        for (Vector& of_cell : parts)
          of_cell = Vector(0.0F);
        for (int64_t i = 0; i < key_floats_; i += kWidth) {
          const Vector query = Vector::load(queries_ + row * key_floats_ + i);
          for (int j = 0; j < kWidth; ++j)
            parts[j] = fused(query, Vector::load(keys_ + j * key_floats_ + i), parts[j]);
        }
        Vector::sums_of(parts).store(scores_ + row * kAttentionCells + cell);
      }
    }
  }

  // Of a vector's cells, one behind the other; those that are not there are zeros.
  void take_cells(const char* from, int64_t count) {
    for (int64_t cell = 0; cell < kWidth; ++cell) {
      float* const to = keys_ + cell * key_floats_;
      const auto* const key = reinterpret_cast<const uint16_t*>(from + static_cast<size_t>(cell) * rows_.key_of_cell);
      Tools::to_floats(key, cell < count ? rows_.key_width : 0, key_floats_, to);
    }
  }

  // Turned round: all cells' first number, all cells' second one.
  void take_keys(int64_t first, int64_t count) {
    if (count < kAttentionCells) std::memset(keys_, 0, static_cast<size_t>(kAttentionCells * rows_.key_width) * sizeof(float));
    const char* const from = rows_.keys + static_cast<size_t>(first) * rows_.key_of_cell;
    const int64_t whole = Vector::kTurns ? rows_.key_width / 8 * 8 : 0;
    int64_t cell = 0;
    for (; Vector::kTurns && cell + 8 <= count; cell += 8) {
      for (int64_t i = 0; i < whole; i += 8)
        Vector::turn_eight(from + static_cast<size_t>(cell) * rows_.key_of_cell + static_cast<size_t>(i) * 2, rows_.key_of_cell,
                           keys_ + i * kAttentionCells + cell, kAttentionCells);
      take_keys_singly(from, cell, cell + 8, whole);
    }
    take_keys_singly(from, cell, count, 0);
  }

  void take_keys_singly(const char* from, int64_t cell, int64_t end, int64_t from_number) {
    for (; cell < end; ++cell) {
      const auto* const key = reinterpret_cast<const uint16_t*>(from + static_cast<size_t>(cell) * rows_.key_of_cell);
      for (int64_t i = from_number; i < rows_.key_width; ++i)
        keys_[i * kAttentionCells + cell] = Vector::of_half(key[i]);
    }
  }

  // Parts come in the order in which each is soon added to another: 0 of 4, 2, 1, 3. What waits for others is behind the bit of their count.
  template <int kRows>
  void score_some(int row, int64_t cell) {
    Vector waiting[kLevels + 1][kRows][Vector::kAtOnce];
    for (int n = 0; n < kWidth; ++n) {
      Vector sums[kRows][Vector::kAtOnce];
      add_part<kRows>(row, cell, turned(n), sums);
      int level = 0;
      for (; (n >> level & 1) != 0; ++level)
        for (int r = 0; r < kRows; ++r)
          for (int j = 0; j < Vector::kAtOnce; ++j)
            sums[r][j] = waiting[level][r][j] + sums[r][j];
      for (int r = 0; r < kRows; ++r)
        for (int j = 0; j < Vector::kAtOnce; ++j)
          waiting[level][r][j] = sums[r][j];
    }
    for (int r = 0; r < kRows; ++r)
      for (int j = 0; j < Vector::kAtOnce; ++j)
        waiting[kLevels][r][j].store(scores_ + (row + r) * kAttentionCells + cell + j * kWidth);
  }

  static constexpr int kLevels = kWidth == 16 ? 4 : kWidth == 8 ? 3 : 2;  // of halves
  static_assert(1 << kLevels == kWidth);

  // Its bits the other way round.
  static constexpr int turned(int n) {
    int result = 0;
    for (int bit = 0; bit < kLevels; ++bit)
      result |= (n >> bit & 1) << (kLevels - 1 - bit);
    return result;
  }

  template <int kRows>
  void add_part(int row, int64_t cell, int part, Vector (&sums)[kRows][Vector::kAtOnce]) const {
    for (auto& of_row : sums)
      for (auto& sum : of_row)
        sum = Vector(0.0F);
    const float* const query = queries_ + row * key_floats_;
    for (int64_t i = part; i < rows_.key_width; i += kWidth) {
      Vector key[Vector::kAtOnce];
      for (int j = 0; j < Vector::kAtOnce; ++j)
        key[j] = Vector::load(keys_ + i * kAttentionCells + cell + j * kWidth);
      for (int r = 0; r < kRows; ++r) {
        const Vector number(query[r * key_floats_ + i]);
        for (int j = 0; j < Vector::kAtOnce; ++j)
          sums[r][j] = fused(number, key[j], sums[r][j]);
      }
    }
  }

  const AttentionRows& rows_;
  const int count_;
  const int64_t key_floats_;  // of a query
  float* const queries_;      // of each row, by the scale
  float* const keys_;         // of the block, number by number; or of a vector's cells, cell by cell
  float* const scores_;
};

}  // namespace ebb::engine_llama
