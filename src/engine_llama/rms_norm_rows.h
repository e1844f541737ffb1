// Root-mean-square norms (Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019): what kernels take.
#pragma once

#include <cstdint>

namespace ebb::engine_llama {

struct NormRow {
  const float* numbers = nullptr;
  int64_t count = 0;
  const float* weights = nullptr;  // what each is multiplied by in the end; nullptr: nothing
  float epsilon = 0;               // added to the mean of the squares
  float* results = nullptr;        // may be the numbers
};

using Norm = void(const NormRow& row);

// Compiled for x86-64-v4 (AVX-512), x86-64-v3 (AVX2) and any processor.
Norm rms_norm_v4;
Norm rms_norm_v3;
Norm rms_norm_plain;

}  // namespace ebb::engine_llama
