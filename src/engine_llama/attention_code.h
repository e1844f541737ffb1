// The code behind attention_rows.h for one kind of vector.
//
// Files that include this are compiled for other processors than the rest: all of it depends on `Vector`, which each of them has in its unnamed namespace. An
// inline function that several of them had would be there once, as one of them compiled it. Sums are written as fused multiply-adds, so that no compiler
// chooses where to round.
#pragma once

#include <cstring>

#include "engine_llama/attention_rows.h"
#include "engine_llama/attention_scores.h"

namespace ebb::engine_llama {

inline constexpr float kMinusInfinity = -__builtin_inff();
inline constexpr uint16_t kHidden = 0xFC00;  // the same in a mask

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
class Attention : AttentionTools<Vector> {
  using Tools = AttentionTools<Vector>;
  static constexpr int kWidth = Vector::kFloats;

 public:
  Attention(const AttentionRows& rows, float* room)
      : rows_(rows),
        count_(rows.tokens * rows.heads),
        value_floats_((rows.value_width + kWidth - 1) / kWidth * kWidth),
        values_(room + (kAttentionRowsMax + kAttentionCells) * AttentionScores<Vector>::numbers(rows)),
        sums_(values_ + kAttentionCells * value_floats_),
        scores_(sums_ + kAttentionRowsMax * value_floats_),
        scorer_(rows, room, room + kAttentionRowsMax * AttentionScores<Vector>::numbers(rows), scores_) {}

  void run() {
    scorer_.take_queries();
    for (int row = 0; row < count_; ++row) {
      largest_[row] = kMinusInfinity;
      weights_[row] = Vector(0.0F);
    }
    std::memset(sums_, 0, static_cast<size_t>(count_ * value_floats_) * sizeof(float));
    for (int64_t first = 0; first < rows_.cells; first += kAttentionCells)
      if (const int64_t count = seen(first); count > 0) add_block(first, count);
    give_results();
  }

 private:
  const uint16_t* mask_of(int token, int64_t first) const {
    return reinterpret_cast<const uint16_t*>(rows_.mask + static_cast<size_t>(token) * rows_.mask_of_token) + first;
  }

  // How many cells of the block there are up to the last one that any row sees. What is behind it adds nothing, and may never have been written.
  int64_t seen(int64_t first) const {
    const int64_t count = Tools::smaller(kAttentionCells, rows_.cells - first);
    if (rows_.mask == nullptr) return count;
    int64_t result = 0;
    for (int token = 0; token < rows_.tokens; ++token) {
      const uint16_t* const mask = mask_of(token, first);
      int64_t of_token = count;
      while (of_token > result && mask[of_token - 1] == kHidden)
        --of_token;
      result = of_token;
    }
    return result;
  }

  void add_block(int64_t first, int64_t count) {
    scorer_.score(first, count);
    for (int row = 0; row < count_; ++row)
      weigh(row, first, count);
    const auto* const values = reinterpret_cast<const uint16_t*>(rows_.values + static_cast<size_t>(first) * rows_.value_of_cell);
    // Few rows read each value about once.
    if (count_ <= Tools::kRowsAtOnce && value_floats_ == rows_.value_width) {
      add_values(Halves{values, rows_.value_of_cell / sizeof(uint16_t)}, count);
    } else {
      take_values(values, count);
      add_values(Floats{values_, static_cast<size_t>(value_floats_)}, count);
    }
  }

  void take_values(const uint16_t* from, int64_t count) {
    for (int64_t cell = 0; cell < count; ++cell) {
      const auto* const value = reinterpret_cast<const uint16_t*>(reinterpret_cast<const char*>(from) + static_cast<size_t>(cell) * rows_.value_of_cell);
      Tools::to_floats(value, rows_.value_width, value_floats_, values_ + cell * value_floats_);
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
  void add_values(Values values, int64_t count) {
    Tools::for_rows(count_, [&]<int kRows>(int row) {
      int64_t i = 0;
      for (; i + Vector::kAtOnce * kWidth <= value_floats_; i += Vector::kAtOnce * kWidth)
        add_some<kRows, Vector::kAtOnce>(values, count, row, i);
      for (; i < value_floats_; i += kWidth)
        add_some<kRows, 1>(values, count, row, i);
    });
  }

  template <int kRows, int kVectors, class Values>
  void add_some(const Values& values, int64_t count, int row, int64_t at) {
    Vector sums[kRows][kVectors];
    for (int r = 0; r < kRows; ++r)
      for (int j = 0; j < kVectors; ++j)
        sums[r][j] = Vector::load(sums_ + (row + r) * value_floats_ + at + j * kWidth);
    const float* const weights = scores_ + row * kAttentionCells;
    for (int64_t cell = 0; cell < count; ++cell) {
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
  const int64_t value_floats_;  // of a row of sums: the width in whole vectors
  float* const values_;         // of the block, cell by cell
  float* const sums_;           // of each row: weighted values
  float* const scores_;         // of each row, for the block's cells; then their weights
  AttentionScores<Vector> scorer_;
  float largest_[kAttentionRowsMax];
  Vector weights_[kAttentionRowsMax];  // their sum, in as many parts as a vector has
};

}  // namespace ebb::engine_llama
