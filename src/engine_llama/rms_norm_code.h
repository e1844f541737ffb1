// The code behind rms_norm_rows.h. Files that include this are compiled for other processors than the rest: `Level`, which each of them has in its unnamed
// namespace, keeps what they make of it apart.
#pragma once

#include "engine_llama/rms_norm_rows.h"

namespace ebb::engine_llama {

// Squares are summed up in double, in as many sums beside each other as make whole vectors; their order depends on nothing but the row's length.
template <class Level>
void rms_norm(const NormRow& row) {
  constexpr int kSums = 32;
  double sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= row.count; i += kSums)
    for (int j = 0; j < kSums; ++j)
      sums[j] += static_cast<double>(row.numbers[i + j] * row.numbers[i + j]);
  for (int j = 0; i + j < row.count; ++j)
    sums[j] += static_cast<double>(row.numbers[i + j] * row.numbers[i + j]);
  double sum = 0;
  for (const double part : sums)
    sum += part;
  const float mean = static_cast<float>(sum / static_cast<double>(row.count));
  const float scale = 1.0F / __builtin_sqrtf(mean + row.epsilon);
  if (row.weights == nullptr) {
    for (i = 0; i < row.count; ++i)
      row.results[i] = row.numbers[i] * scale;
  } else {
    for (i = 0; i < row.count; ++i)
      row.results[i] = row.numbers[i] * scale * row.weights[i];
  }
}

}  // namespace ebb::engine_llama
