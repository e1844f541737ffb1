// Products with weights in tiles by AVX2. Compiled alone: for other processors than the rest.
#include <immintrin.h>

#include <cstring>

#include "engine_llama/tiled_product_code.h"

namespace ebb::engine_llama {

namespace {

struct Tools {
  using Ints = __m256i;
  using Floats = __m256;
  static constexpr int kLanes = 8;
  static constexpr int kRowsAtOnce = 4;
  static constexpr int kSumsMax = 4;
  static constexpr int kAddedToSigned = 0;

  static Floats zero() { return _mm256_setzero_ps(); }
  static Ints all(int32_t number) { return _mm256_set1_epi32(number); }
  static Ints add(Ints a, Ints b) { return _mm256_add_epi32(a, b); }
  static Ints load(const char* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }
  static Ints below(Ints both) { return _mm256_and_si256(both, _mm256_set1_epi8(0xF)); }
  static Ints above(Ints both) { return _mm256_and_si256(_mm256_srli_epi16(both, 4), _mm256_set1_epi8(0xF)); }
  static Ints either(Ints a, Ints b) { return _mm256_or_si256(a, b); }
  // Of each byte two bits, one pair of the four that it holds, as the fifth and the sixth of a number.
  static Ints fifth_and_sixth(Ints four, int index) {
    const Ints mask = _mm256_set1_epi8(0x30);
    return _mm256_and_si256(index < 2 ? _mm256_slli_epi16(four, 4 - 2 * index) : _mm256_srli_epi16(four, 2 * index - 4), mask);
  }
  static Ints load_bytes(const char* from) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))); }
  static Ints load_signed_bytes(const char* from) { return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))); }
  static Ints lowest(Ints a, int bits) { return _mm256_and_si256(a, all((1 << bits) - 1)); }
  static Ints without_lowest(Ints a, int bits) { return _mm256_srli_epi32(a, bits); }
  static Ints shifted_up(Ints a, int bits) { return _mm256_slli_epi32(a, bits); }
  static Ints signed_weights(Ints weights) { return weights; }
  static Ints all_four(const int8_t* four) {
    int32_t bits = 0;
    std::memcpy(&bits, four, sizeof bits);
    return _mm256_set1_epi32(bits);
  }
  // Two products in 16 bits each: at most 2 * 15 * 128.
  static Ints add_products(Ints sum, Ints weights, const int8_t* four) {
    return add(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(weights, all_four(four)), _mm256_set1_epi16(1)));
  }
  // At most 2 * 128 * 127: the row's numbers are never -128. The weights' signs go over to them.
  static Ints add_signed_products(Ints sum, Ints weights, const int8_t* four) {
    const __m256i products = _mm256_maddubs_epi16(_mm256_abs_epi8(weights), _mm256_sign_epi8(all_four(four), weights));
    return add(sum, _mm256_madd_epi16(products, _mm256_set1_epi16(1)));
  }
  static Floats load_halves(const char* from) { return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))); }
  static Floats to_floats(Ints a) { return _mm256_cvtepi32_ps(a); }
  static Floats all(float number) { return _mm256_set1_ps(number); }
  static Floats negative(Floats a) { return _mm256_sub_ps(_mm256_setzero_ps(), a); }
  static Floats multiply(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
  static Floats fused(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
  static void store(Floats a, float* to) { _mm256_storeu_ps(to, a); }

  static float largest_of(__m256 a) {
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }
  static int sum_of(__m256i a) {
    const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
  }

  // The sums are of the first 16 numbers and of the rest.
  static void quantise(const float* from, int8_t* numbers, float& scale, int (&sums)[2]) {
    __m256 part[4];
    __m256 most = _mm256_setzero_ps();
    for (int i = 0; i < 4; ++i) {
      part[i] = _mm256_loadu_ps(from + 8 * i);
      most = _mm256_max_ps(most, _mm256_andnot_ps(_mm256_set1_ps(-0.0F), part[i]));
    }
    const float largest = largest_of(most);
    scale = largest / 127;
    const __m256 inverse = _mm256_set1_ps(largest > 0 ? 127 / largest : 0);
    __m256i integers[4];
    for (int i = 0; i < 4; ++i)
      integers[i] = _mm256_cvtps_epi32(_mm256_mul_ps(part[i], inverse));
    const __m256i low = _mm256_packs_epi32(integers[0], integers[1]);
    const __m256i high = _mm256_packs_epi32(integers[2], integers[3]);
    // Packing goes by halves of vectors.
    const __m256i packed = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(numbers), packed);
    sums[0] = sum_of(add(integers[0], integers[1]));
    sums[1] = sum_of(add(integers[2], integers[3]));
  }
};

}  // namespace

const TiledKernels& tiled_kernels_v3() {
  static constexpr TiledKernels kKernels = tiled_kernels_by<Tools>("AVX2");
  return kKernels;
}

}  // namespace ebb::engine_llama
