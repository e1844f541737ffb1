// The code behind attention_rows.h for one kind of vector.
//
// Files that include this are compiled for other processors than the rest: all of it depends on `Vector`, which each of them has in its unnamed namespace. An
// inline function that several of them had would be there once, as one of them compiled it. Sums are written as fused multiply-adds, so that no compiler
// chooses where to round.
#pragma once

#include <cstring>

#include "engine_llama/attention_rows.h"

namespace ebb::engine_llama {

inline constexpr float kMinusInfinity = -__builtin_inff();

// e^x by 2^n * e^r with |r| <= ln(2) / 2 and a polynomial (Cephes, expf), within 2 units of the last place; 0 below the smallest normal number.
template <class Vector>
Vector exponential(Vector x) {
  const Vector n = round(min(x, Vector(88.0F)) * Vector(1.44269504F));
  const Vector r = fused(n, Vector(2.12194440e-4F), fused(n, Vector(-0.693359375F), min(x, Vector(88.0F))));
  Vector sum = fused(Vector(1.9875691500e-4F), r, Vector(1.3981999507e-3F));
  sum = fused(sum, r, Vector(8.3334519073e-3F));
  sum = fused(sum, r, Vector(4.1665795894e-2F));
  sum = fused(sum, r, Vector(1.6666665459e-1F));
  sum = fused(sum, r, Vector(5.0000001201e-1F));
  sum = fused(sum * r, r, r + Vector(1.0F));
  return zero_below(x, -87.0F, times_power_of_two(sum, n));
}

// 1 - 2 / (e^2x + 1).
template <class Vector>
Vector hyperbolic_tangent(Vector x) {
  return Vector(1.0F) - Vector(2.0F) / (exponential(x + x) + Vector(1.0F));
}

template <class Vector>
class Attention {
  static constexpr int kWidth = Vector::kFloats;

 public:
  Attention(const AttentionRows& rows, float* room)
      : rows_(rows),
        count_(rows.tokens * rows.heads),
        key_floats_((rows.key_width + kWidth - 1) / kWidth * kWidth),
        value_floats_((rows.value_width + kWidth - 1) / kWidth * kWidth),
        queries_(room),
        keys_(queries_ + kAttentionRowsMax * key_floats_),
        values_(keys_ + kAttentionCells * key_floats_),
        sums_(values_ + kAttentionCells * value_floats_),
        scores_(sums_ + kAttentionRowsMax * value_floats_) {}

  void run() {
    if (count_ <= kFewRows) {
      for (int64_t cell = 0; cell < smaller(kAttentionCells, rows_.cells); ++cell)
        ask_for(rows_.keys + static_cast<size_t>(cell) * rows_.key_of_cell, rows_.key_width);
    }
    take_queries();
    for (int64_t first = 0; first < rows_.cells; first += kAttentionCells)
      if (is_seen(first)) add_block(first);
    give_results();
  }

 private:
  static int64_t smaller(int64_t a, int64_t b) { return b < a ? b : a; }

  const uint16_t* mask_of(int token, int64_t first) const {
    return reinterpret_cast<const uint16_t*>(rows_.mask + static_cast<size_t>(token) * rows_.mask_of_token) + first;
  }

  void take_queries() {
    for (int row = 0; row < count_; ++row) {
      const int token = row / rows_.heads;
      const int head = row % rows_.heads;
      const auto* const from =
          reinterpret_cast<const float*>(rows_.queries + static_cast<size_t>(token) * rows_.query_of_token + static_cast<size_t>(head) * rows_.query_of_head);
      const float scale = rows_.softcap == 0 ? rows_.scale : rows_.scale / rows_.softcap;
      float* const query = queries_ + row * key_floats_;
      for (int64_t i = 0; i < key_floats_; ++i)
        query[i] = i < rows_.key_width ? from[i] * scale : 0.0F;
      largest_[row] = kMinusInfinity;
      weights_[row] = Vector(0.0F);
    }
    std::memset(sums_, 0, static_cast<size_t>(count_ * value_floats_) * sizeof(float));
  }

  // Whether any row sees any cell of the block.
  bool is_seen(int64_t first) const {
    if (rows_.mask == nullptr) return true;
    const int64_t count = smaller(kAttentionCells, rows_.cells - first);
    for (int token = 0; token < rows_.tokens; ++token) {
      const uint16_t* const mask = mask_of(token, first);
      unsigned differs = 0;
      for (int64_t i = 0; i < count; ++i)
        differs |= mask[i] ^ 0xFC00U;
      if (differs != 0) return true;
    }
    return false;
  }

  void add_block(int64_t first) {
    const int64_t count = smaller(kAttentionCells, rows_.cells - first);
    if (count_ <= kFewRows) {
      score_by_cells(first, count);
    } else {
      take_keys(first, count);
      score();
    }
    for (int row = 0; row < count_; ++row)
      weigh(row, first, count);
    const auto* const values = reinterpret_cast<const uint16_t*>(rows_.values + static_cast<size_t>(first) * rows_.value_of_cell);
    // Few rows read each value about once.
    if (count == kAttentionCells && count_ <= kRowsAtOnce && value_floats_ == rows_.value_width) {
      add_values(Halves{values, rows_.value_of_cell / sizeof(uint16_t)});
    } else {
      take_values(values, count);
      add_values(Floats{values_, static_cast<size_t>(value_floats_)});
    }
  }

  // A score is a sum of as many parts as a vector has: each adds up every so many of a query's numbers times a key's, and then the second half of the parts is
  // added to the first, until one is left. Few rows have a cell's parts in a vector; many have the same part of several cells in one, for which the keys are
  // turned round.
  static constexpr int kFewRows = 12;

  void score_by_cells(int64_t first, int64_t count) {
    const char* const from = rows_.keys + static_cast<size_t>(first) * rows_.key_of_cell;
    const char* const values = rows_.values + static_cast<size_t>(first) * rows_.value_of_cell;
    for (int64_t cell = 0; cell < count; cell += kWidth) {
      for (int64_t i = cell; i < smaller(cell + kWidth, count); ++i) {
        ask_for(values + static_cast<size_t>(i) * rows_.value_of_cell, rows_.value_width);
        if (first + kAttentionCells + i < rows_.cells) ask_for(from + static_cast<size_t>(kAttentionCells + i) * rows_.key_of_cell, rows_.key_width);
      }
      take_cells(from + static_cast<size_t>(cell) * rows_.key_of_cell, smaller(kWidth, count - cell));
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

  // Of the memory, before it is needed: the processor itself does not see what comes next in rows that lie apart.
  static void ask_for(const char* halves, int64_t count) {
    for (int64_t i = 0; i < count; i += 32)
      __builtin_prefetch(halves + i * 2);
  }

  // Of a vector's cells, one behind the other; those that are not there are zeros.
  void take_cells(const char* from, int64_t count) {
    const int64_t whole = rows_.key_width / kWidth * kWidth;
    for (int64_t cell = 0; cell < kWidth; ++cell) {
      float* const to = keys_ + cell * key_floats_;
      if (cell >= count) {
        std::memset(to, 0, static_cast<size_t>(key_floats_) * sizeof(float));
        continue;
      }
      const auto* const key = reinterpret_cast<const uint16_t*>(from + static_cast<size_t>(cell) * rows_.key_of_cell);
      for (int64_t i = 0; i < whole; i += kWidth)
        Vector::of_halves(key + i).store(to + i);
      for (int64_t i = whole; i < key_floats_; ++i)
        to[i] = i < rows_.key_width ? Vector::of_half(key[i]) : 0.0F;
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

  void take_values(const uint16_t* from, int64_t count) {
    const int64_t whole = rows_.value_width / kWidth * kWidth;
    for (int64_t cell = 0; cell < kAttentionCells; ++cell) {
      float* const to = values_ + cell * value_floats_;
      if (cell >= count) {
        std::memset(to, 0, static_cast<size_t>(value_floats_) * sizeof(float));
        continue;
      }
      const auto* const value = reinterpret_cast<const uint16_t*>(reinterpret_cast<const char*>(from) + static_cast<size_t>(cell) * rows_.value_of_cell);
      for (int64_t i = 0; i < whole; i += kWidth)
        Vector::of_halves(value + i).store(to + i);
      for (int64_t i = whole; i < value_floats_; ++i)
        to[i] = i < rows_.value_width ? Vector::of_half(value[i]) : 0.0F;
    }
  }

  static constexpr int kRowsAtOnce = 6;

  // Calls `step` with the first of some rows and, as a type, how many they are.
  template <class Step>
  void for_rows(Step step) {
    int row = 0;
    for (; row + kRowsAtOnce <= count_; row += kRowsAtOnce)
      step.template operator()<kRowsAtOnce>(row);
    switch (count_ - row) {
      case 5: return step.template operator()<5>(row);
      case 4: return step.template operator()<4>(row);
      case 3: return step.template operator()<3>(row);
      case 2: return step.template operator()<2>(row);
      case 1: return step.template operator()<1>(row);
      default: return;
    }
  }

  void score() {
    for_rows([this]<int kRows>(int row) {
      for (int64_t cell = 0; cell < kAttentionCells; cell += Vector::kAtOnce * kWidth)
        this->template score_some<kRows>(row, cell);
    });
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

  // The row's scores become weights against the largest score so far, and what was summed up before is brought to the same measure.
  void weigh(int row, int64_t first, int64_t count) {
    float* const scores = scores_ + row * kAttentionCells;
    mask_scores(scores, row, first, count);
    Vector most(kMinusInfinity);
    for (int64_t i = 0; i < kAttentionCells; i += kWidth)
      most = max(most, Vector::load(scores + i));
    const float largest = largest_of(most);
    if (largest == kMinusInfinity) {  // it sees nothing here
      std::memset(scores, 0, kAttentionCells * sizeof(float));
      return;
    }
    if (largest > largest_[row]) {
      const Vector factor = exponential(Vector(largest_[row]) - Vector(largest));
      weights_[row] = weights_[row] * factor;
      for (int64_t i = 0; i < value_floats_; i += kWidth)
        (Vector::load(sums_ + row * value_floats_ + i) * factor).store(sums_ + row * value_floats_ + i);
      largest_[row] = largest;
    }
    for (int64_t i = 0; i < kAttentionCells; i += kWidth) {
      const Vector weight = exponential(Vector::load(scores + i) - Vector(largest_[row]));
      weight.store(scores + i);
      weights_[row] = weights_[row] + weight;
    }
  }

  void mask_scores(float* scores, int row, int64_t first, int64_t count) {
    for (int64_t i = 0; rows_.softcap != 0 && i < kAttentionCells; i += kWidth)
      (hyperbolic_tangent(Vector::load(scores + i)) * Vector(rows_.softcap)).store(scores + i);
    if (rows_.mask != nullptr) {
      const uint16_t* const mask = mask_of(row / rows_.heads, first);
      const Vector slope(rows_.slopes[row % rows_.heads]);
      int64_t i = 0;
      for (; i + kWidth <= count; i += kWidth)
        fused(Vector::of_halves(mask + i), slope, Vector::load(scores + i)).store(scores + i);
      for (; i < count; ++i)
        scores[i] = __builtin_fmaf(Vector::of_half(mask[i]), rows_.slopes[row % rows_.heads], scores[i]);
    }
    for (int64_t i = count; i < kAttentionCells; ++i)
      scores[i] = kMinusInfinity;
  }

  struct Halves {
    const uint16_t* values;
    size_t of_cell;
    Vector at(int64_t cell, int64_t i) const { return Vector::of_halves(values + static_cast<size_t>(cell) * of_cell + i); }
  };
  struct Floats {
    const float* values;
    size_t of_cell;
    Vector at(int64_t cell, int64_t i) const { return Vector::load(values + static_cast<size_t>(cell) * of_cell + i); }
  };

  template <class Values>
  void add_values(Values values) {
    for_rows([&]<int kRows>(int row) {
      int64_t i = 0;
      for (; i + Vector::kAtOnce * kWidth <= value_floats_; i += Vector::kAtOnce * kWidth)
        add_some<kRows, Vector::kAtOnce>(values, row, i);
      for (; i < value_floats_; i += kWidth)
        add_some<kRows, 1>(values, row, i);
    });
  }

  template <int kRows, int kVectors, class Values>
  void add_some(const Values& values, int row, int64_t at) {
    Vector sums[kRows][kVectors];
    for (int r = 0; r < kRows; ++r)
      for (int j = 0; j < kVectors; ++j)
        sums[r][j] = Vector::load(sums_ + (row + r) * value_floats_ + at + j * kWidth);
    const float* const weights = scores_ + row * kAttentionCells;
    for (int64_t cell = 0; cell < kAttentionCells; ++cell) {
      Vector value[kVectors];
      for (int j = 0; j < kVectors; ++j)
        value[j] = values.at(cell, at + j * kWidth);
      for (int r = 0; r < kRows; ++r) {
        const Vector weight(weights[r * kAttentionCells + cell]);
        for (int j = 0; j < kVectors; ++j)
          sums[r][j] = fused(weight, value[j], sums[r][j]);
      }
    }
    for (int r = 0; r < kRows; ++r)
      for (int j = 0; j < kVectors; ++j)
        sums[r][j].store(sums_ + (row + r) * value_floats_ + at + j * kWidth);
  }

  void give_results() {
    for (int row = 0; row < count_; ++row) {
      const int token = row / rows_.heads;
      const int head = row % rows_.heads;
      float weight = sum_of(weights_[row]);
      float factor = 1;
      if (rows_.sinks != nullptr) {
        const float sink = rows_.sinks[head];
        if (sink > largest_[row]) factor = largest_of(exponential(Vector(largest_[row]) - Vector(sink)));
        weight = weight * factor + largest_of(exponential(Vector(sink) - Vector(sink > largest_[row] ? sink : largest_[row])));
      }
      const float share = weight > 0 ? factor / weight : 0.0F;  // who sees nothing gets zeros
      auto* const to =
          reinterpret_cast<float*>(rows_.results + static_cast<size_t>(token) * rows_.result_of_token + static_cast<size_t>(head) * rows_.result_of_head);
      for (int64_t i = 0; i < rows_.value_width; ++i)
        to[i] = sums_[row * value_floats_ + i] * share;
    }
  }

  const AttentionRows& rows_;
  const int count_;
  const int64_t key_floats_;    // of a query: the width in whole vectors
  const int64_t value_floats_;  // and of a row of sums
  float* const queries_;        // of each row, by the scale
  float* const keys_;           // of the block, number by number; or of a vector's cells, cell by cell
  float* const values_;         // of the block, cell by cell
  float* const sums_;           // of each row: weighted values
  float* const scores_;         // of each row, for the block's cells; then their weights
  float largest_[kAttentionRowsMax];
  Vector weights_[kAttentionRowsMax];  // their sum, in as many parts as a vector has
};

}  // namespace ebb::engine_llama
