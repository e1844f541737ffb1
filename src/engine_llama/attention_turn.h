// Eight halves of eight rows, as floats, turned round, by AVX and F16C. A template, since what attention_code.h says holds here too.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace ebb::engine_llama {

// `from`: the first of eight rows that are `stride` bytes apart; `to`: the first of eight rows of `to_stride` floats.
template <class Vector>
void turn_eight_halves(const char* from, size_t stride, float* to, size_t to_stride) {
  __m256 row[8];
  for (size_t i = 0; i < 8; ++i)
    row[i] = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i * stride)));
  __m256 pairs[8];
  for (size_t i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_ps(row[i], row[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_ps(row[i], row[i + 1]);
  }
  __m256 fours[8];
  for (size_t i = 0; i < 8; i += 4) {
    for (size_t j = 0; j < 2; ++j) {
      fours[i + 2 * j] = _mm256_shuffle_ps(pairs[i + j], pairs[i + 2 + j], _MM_SHUFFLE(1, 0, 1, 0));
      fours[i + 2 * j + 1] = _mm256_shuffle_ps(pairs[i + j], pairs[i + 2 + j], _MM_SHUFFLE(3, 2, 3, 2));
    }
  }
  for (size_t i = 0; i < 4; ++i) {
    _mm256_storeu_ps(to + i * to_stride, _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x20));
    _mm256_storeu_ps(to + (i + 4) * to_stride, _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x31));
  }
}

}  // namespace ebb::engine_llama
