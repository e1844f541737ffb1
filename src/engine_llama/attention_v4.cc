// Attention by AVX-512. Compiled alone: for other processors than the rest.
#include <immintrin.h>

#include <cstdint>

#include "engine_llama/attention_code.h"
#include "engine_llama/attention_turn.h"

namespace ebb::engine_llama {

namespace {

struct Vector {
  static constexpr int kFloats = 16;
  static constexpr int kAtOnce = 4;  // vectors beside each other: with six rows, 24 of 32 registers hold sums
  static constexpr bool kTurns = true;

  Vector() = default;
  Vector(__m512 of) : v(of) {}
  explicit Vector(float x) : v(_mm512_set1_ps(x)) {}
  static Vector load(const float* from) { return _mm512_loadu_ps(from); }
  static Vector of_halves(const uint16_t* from) { return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))); }
  static float of_half(uint16_t half) { return _cvtsh_ss(half); }
  static void turn_eight(const char* from, size_t stride, float* to, size_t to_stride) { turn_eight_halves<Vector>(from, stride, to, to_stride); }
  static Vector sums_of(const Vector (&of)[kFloats]);
  void store(float* to) const { _mm512_storeu_ps(to, v); }

  __m512 v;
};

Vector operator+(Vector a, Vector b) { return _mm512_add_ps(a.v, b.v); }
Vector operator-(Vector a, Vector b) { return _mm512_sub_ps(a.v, b.v); }
Vector operator*(Vector a, Vector b) { return _mm512_mul_ps(a.v, b.v); }
Vector operator/(Vector a, Vector b) { return _mm512_div_ps(a.v, b.v); }
Vector fused(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a.v, b.v, c.v); }
Vector max(Vector a, Vector b) { return _mm512_max_ps(a.v, b.v); }
Vector min(Vector a, Vector b) { return _mm512_min_ps(a.v, b.v); }
Vector round(Vector a) { return _mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
Vector times_power_of_two(Vector a, Vector n) { return _mm512_scalef_ps(a.v, n.v); }
Vector zero_below(Vector x, float least, Vector a) { return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x.v, _mm512_set1_ps(least), _CMP_GE_OQ), a.v); }
float largest_of(Vector a) { return _mm512_reduce_max_ps(a.v); }
float sum_of(Vector a) { return _mm512_reduce_add_ps(a.v); }

// Each vector's second half is added to its first, two vectors at a time, until sixteen are one. Who is put beside whom brings each sum to its place.
Vector Vector::sums_of(const Vector (&of)[kFloats]) {
  constexpr int kPlace[kFloats] = {0, 2, 1, 3, 8, 10, 9, 11, 4, 6, 5, 7, 12, 14, 13, 15};
  __m512 eights[8];
  for (int i = 0; i < 8; ++i) {
    const __m512 a = of[kPlace[i]].v;
    const __m512 b = of[kPlace[i + 8]].v;
    eights[i] = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, _MM_SHUFFLE(1, 0, 1, 0)), _mm512_shuffle_f32x4(a, b, _MM_SHUFFLE(3, 2, 3, 2)));
  }
  __m512 fours[4];
  for (int i = 0; i < 4; ++i)
    fours[i] = _mm512_add_ps(_mm512_shuffle_f32x4(eights[i], eights[i + 4], _MM_SHUFFLE(2, 0, 2, 0)),
                             _mm512_shuffle_f32x4(eights[i], eights[i + 4], _MM_SHUFFLE(3, 1, 3, 1)));
  __m512 twos[2];
  for (int i = 0; i < 2; ++i)
    twos[i] =
        _mm512_add_ps(_mm512_shuffle_ps(fours[i], fours[i + 2], _MM_SHUFFLE(1, 0, 1, 0)), _mm512_shuffle_ps(fours[i], fours[i + 2], _MM_SHUFFLE(3, 2, 3, 2)));
  return _mm512_add_ps(_mm512_shuffle_ps(twos[0], twos[1], _MM_SHUFFLE(2, 0, 2, 0)), _mm512_shuffle_ps(twos[0], twos[1], _MM_SHUFFLE(3, 1, 3, 1)));
}

}  // namespace

void attend_v4(const AttentionRows& rows, float* room) { Attention<Vector>(rows, room).run(); }

}  // namespace ebb::engine_llama
