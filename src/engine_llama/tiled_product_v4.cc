// Products with weights in tiles by AVX-512 with VNNI. Compiled alone: for other processors than the rest.
#include <immintrin.h>

#include <cstring>

#include "engine_llama/tiled_product_code.h"

namespace ebb::engine_llama {

namespace {

struct Tools {
  using Ints = __m512i;
  using Floats = __m512;
  static constexpr int kLanes = 16;
  static constexpr int kRowsAtOnce = 8;
  static constexpr int kSumsMax = 8;
  // The instruction takes one side without a sign.
  static constexpr int kAddedToSigned = 128;

  static Floats zero() { return _mm512_setzero_ps(); }
  static Ints all(int32_t number) { return _mm512_set1_epi32(number); }
  static Ints add(Ints a, Ints b) { return _mm512_add_epi32(a, b); }
  static Ints load(const char* from) { return _mm512_loadu_si512(from); }
  static Ints below(Ints both) { return _mm512_and_si512(both, _mm512_set1_epi8(0xF)); }
  static Ints above(Ints both) { return _mm512_and_si512(_mm512_srli_epi16(both, 4), _mm512_set1_epi8(0xF)); }
  static Ints either(Ints a, Ints b) { return _mm512_or_si512(a, b); }
  // Of each byte two bits, one pair of the four that it holds, as the fifth and the sixth of a number.
  static Ints fifth_and_sixth(Ints four, int index) {
    const Ints mask = _mm512_set1_epi8(0x30);
    return _mm512_and_si512(index < 2 ? _mm512_slli_epi16(four, 4 - 2 * index) : _mm512_srli_epi16(four, 2 * index - 4), mask);
  }
  static Ints load_bytes(const char* from) { return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))); }
  static Ints load_signed_bytes(const char* from) { return _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))); }
  static Ints lowest(Ints a, int bits) { return _mm512_and_si512(a, all((1 << bits) - 1)); }
  static Ints without_lowest(Ints a, int bits) { return _mm512_srli_epi32(a, bits); }
  static Ints shifted_up(Ints a, int bits) { return _mm512_slli_epi32(a, bits); }
  static Ints signed_weights(Ints weights) { return _mm512_xor_si512(weights, _mm512_set1_epi8(static_cast<char>(0x80))); }
  static Ints add_products(Ints sum, Ints weights, const int8_t* four) {
    int32_t bits = 0;
    std::memcpy(&bits, four, sizeof bits);
    return _mm512_dpbusd_epi32(sum, weights, _mm512_set1_epi32(bits));
  }
  static Ints add_signed_products(Ints sum, Ints weights, const int8_t* four) { return add_products(sum, weights, four); }
  static Floats load_halves(const char* from) { return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))); }
  static Floats to_floats(Ints a) { return _mm512_cvtepi32_ps(a); }
  static Floats all(float number) { return _mm512_set1_ps(number); }
  static Floats negative(Floats a) { return _mm512_sub_ps(_mm512_setzero_ps(), a); }
  static Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  static Floats fused(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
  static void store(Floats a, float* to) { _mm512_storeu_ps(to, a); }

  // The sums are of the first 16 numbers and of the rest.
  static void quantise(const float* from, int8_t* numbers, float& scale, int (&sums)[2]) {
    const __m512 low = _mm512_loadu_ps(from);
    const __m512 high = _mm512_loadu_ps(from + 16);
    const float most = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(low), _mm512_abs_ps(high)));
    scale = most / 127;
    const __m512 inverse = _mm512_set1_ps(most > 0 ? 127 / most : 0);
    const __m512i a = _mm512_cvtps_epi32(_mm512_mul_ps(low, inverse));
    const __m512i b = _mm512_cvtps_epi32(_mm512_mul_ps(high, inverse));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(numbers), _mm512_cvtsepi32_epi8(a));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(numbers + 16), _mm512_cvtsepi32_epi8(b));
    sums[0] = _mm512_reduce_add_epi32(a);
    sums[1] = _mm512_reduce_add_epi32(b);
  }
};

}  // namespace

const TiledKernels& tiled_kernels_v4() {
  static constexpr TiledKernels kKernels = tiled_kernels_by<Tools>("AVX-512 with VNNI");
  return kKernels;
}

}  // namespace ebb::engine_llama
