// Attention by AVX2. Compiled alone: for other processors than the rest.
#include <immintrin.h>

#include <cstdint>

#include "engine_llama/attention_code.h"
#include "engine_llama/attention_turn.h"

namespace ebb::engine_llama {

namespace {

struct Vector {
  static constexpr int kFloats = 8;
  static constexpr int kAtOnce = 2;  // vectors beside each other: with six rows, 12 of 16 registers hold sums
  static constexpr bool kTurns = true;

  Vector() = default;
  Vector(__m256 of) : v(of) {}
  explicit Vector(float x) : v(_mm256_set1_ps(x)) {}
  static Vector load(const float* from) { return _mm256_loadu_ps(from); }
  static Vector of_halves(const uint16_t* from) { return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))); }
  static float of_half(uint16_t half) { return _cvtsh_ss(half); }
  static void turn_eight(const char* from, size_t stride, float* to, size_t to_stride) { turn_eight_halves<Vector>(from, stride, to, to_stride); }
  static Vector sums_of(const Vector (&of)[kFloats]);
  void store(float* to) const { _mm256_storeu_ps(to, v); }

  __m256 v;
};

Vector operator+(Vector a, Vector b) { return _mm256_add_ps(a.v, b.v); }
Vector operator-(Vector a, Vector b) { return _mm256_sub_ps(a.v, b.v); }
Vector operator*(Vector a, Vector b) { return _mm256_mul_ps(a.v, b.v); }
Vector operator/(Vector a, Vector b) { return _mm256_div_ps(a.v, b.v); }
Vector fused(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a.v, b.v, c.v); }
Vector max(Vector a, Vector b) { return _mm256_max_ps(a.v, b.v); }
Vector min(Vector a, Vector b) { return _mm256_min_ps(a.v, b.v); }
Vector round(Vector a) { return _mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
Vector times_power_of_two(Vector a, Vector n) {
  return _mm256_mul_ps(a.v, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n.v), _mm256_set1_epi32(127)), 23)));
}
Vector zero_below(Vector x, float least, Vector a) { return _mm256_and_ps(_mm256_cmp_ps(x.v, _mm256_set1_ps(least), _CMP_GE_OQ), a.v); }

float largest_of(Vector a) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
float sum_of(Vector a) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

// Each vector's second half is added to its first, two vectors at a time, until eight are one. Who is put beside whom brings each sum to its place.
Vector Vector::sums_of(const Vector (&of)[kFloats]) {
  constexpr int kPlace[kFloats] = {0, 2, 1, 3, 4, 6, 5, 7};
  __m256 fours[4];
  for (int i = 0; i < 4; ++i) {
    const __m256 a = of[kPlace[i]].v;
    const __m256 b = of[kPlace[i + 4]].v;
    fours[i] = _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
  }
  __m256 twos[2];
  for (int i = 0; i < 2; ++i)
    twos[i] =
        _mm256_add_ps(_mm256_shuffle_ps(fours[i], fours[i + 2], _MM_SHUFFLE(1, 0, 1, 0)), _mm256_shuffle_ps(fours[i], fours[i + 2], _MM_SHUFFLE(3, 2, 3, 2)));
  return _mm256_add_ps(_mm256_shuffle_ps(twos[0], twos[1], _MM_SHUFFLE(2, 0, 2, 0)), _mm256_shuffle_ps(twos[0], twos[1], _MM_SHUFFLE(3, 1, 3, 1)));
}

}  // namespace

void attend_v3(const AttentionRows& rows, float* room) { Attention<Vector>(rows, room).run(); }

}  // namespace ebb::engine_llama
