// Products of one token by AVX-512 with VNNI. Compiled alone: for other processors than the rest.
#include <immintrin.h>

#include <cstring>

#include "engine_llama/token_product_rows.h"

// On top of the level that this file is compiled for; processors with AMX have it.
#define EBB_VNNI __attribute__((target("avx512vnni")))

namespace ebb::engine_llama {

namespace {

constexpr size_t kLine = 64;

EBB_VNNI inline __m512i load(const char* from) { return _mm512_loadu_si512(from); }
EBB_VNNI inline __m512 load_halves(const char* from) { return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))); }
EBB_VNNI inline __m512 all_half(uint16_t half) { return _mm512_set1_ps(_cvtsh_ss(half)); }

// Four numbers of the row, for all columns.
EBB_VNNI inline __m512i four(const int8_t* numbers, int index) {
  int32_t bits = 0;
  std::memcpy(&bits, numbers + index * 4, sizeof bits);
  return _mm512_set1_epi32(bits);
}

// The integers' sum of a block of 4-bit numbers. Exact, so its order does not matter.
EBB_VNNI inline __m512i sum_of_fours(const int8_t* numbers, const char* block) {
  const __m512i low = _mm512_set1_epi8(0xF);
  __m512i below = _mm512_setzero_si512();
  __m512i above = _mm512_setzero_si512();
  for (int i = 0; i < 4; ++i) {
    const __m512i both = load(block + i * kLine);
    below = _mm512_dpbusd_epi32(below, _mm512_and_si512(both, low), four(numbers, 2 * i));
    above = _mm512_dpbusd_epi32(above, _mm512_and_si512(_mm512_srli_epi16(both, 4), low), four(numbers, 2 * i + 1));
  }
  return _mm512_add_epi32(below, above);
}

struct Q4_1 {
  using Row = RowBlockQ8_1;
  static constexpr size_t kBytes = 256 + 32 + 32;

  EBB_VNNI static __m512 add(const Row& row, const char* block, __m512 sum) {
    const __m512 scale = _mm512_mul_ps(load_halves(block + 256), all_half(row.scale));
    sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum_of_fours(row.numbers, block)), scale, sum);
    return _mm512_fmadd_ps(load_halves(block + 288), all_half(row.sum), sum);
  }
};

struct Q4_0 {
  using Row = RowBlockQ8_0;
  static constexpr size_t kBytes = 256 + 32;

  // Numbers are stored with 8 added.
  EBB_VNNI static __m512 add(const Row& row, const char* block, __m512 sum) {
    __m512i eights = _mm512_setzero_si512();
    for (int i = 0; i < 8; ++i)
      eights = _mm512_dpbusd_epi32(eights, _mm512_set1_epi8(8), four(row.numbers, i));
    const __m512i integers = _mm512_sub_epi32(sum_of_fours(row.numbers, block), eights);
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(integers), _mm512_mul_ps(load_halves(block + 256), all_half(row.scale)), sum);
  }
};

struct Q8_0 {
  using Row = RowBlockQ8_0;
  static constexpr size_t kBytes = 512 + 32 + 64;

  // The instruction takes one side without a sign: 128 is added to the row's, and what that gives too much is beside the weights.
  EBB_VNNI static __m512 add(const Row& row, const char* block, __m512 sum) {
    const __m512i offset = _mm512_set1_epi8(static_cast<char>(0x80));
    __m512i even = _mm512_setzero_si512();
    __m512i odd = _mm512_setzero_si512();
    for (int i = 0; i < 8; i += 2) {
      even = _mm512_dpbusd_epi32(even, _mm512_xor_si512(four(row.numbers, i), offset), load(block + i * kLine));
      odd = _mm512_dpbusd_epi32(odd, _mm512_xor_si512(four(row.numbers, i + 1), offset), load(block + (i + 1) * kLine));
    }
    const __m512i integers = _mm512_sub_epi32(_mm512_add_epi32(even, odd), load(block + 544));
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(integers), _mm512_mul_ps(load_halves(block + 512), all_half(row.scale)), sum);
  }
};

// Straight through memory, which is asked for what comes a few kilobytes later: the processor itself does not look beyond a page.
template <class Kind>
EBB_VNNI void multiply(const TokenProduct& product) {
  const auto* const row = static_cast<const typename Kind::Row*>(product.row);
  constexpr auto kBlocksAhead = static_cast<int64_t>(kReadAhead / Kind::kBytes);
  const char* block = product.tiles;
  int64_t left = product.count * product.blocks - kBlocksAhead;
  const char* ahead = left > 0 ? block + kBlocksAhead * Kind::kBytes : product.next - left * static_cast<int64_t>(Kind::kBytes);
  for (int64_t tile = 0; tile < product.count; ++tile) {
    __m512 sum = _mm512_setzero_ps();
    for (int64_t i = 0; i < product.blocks; ++i) {
      if (left-- == 0) ahead = product.next;
      sum = Kind::add(row[i], block, sum);
      for (size_t line = 0; line < Kind::kBytes; line += kLine)
        _mm_prefetch(ahead + line, _MM_HINT_T0);
      block += Kind::kBytes;
      ahead += Kind::kBytes;
    }
    _mm512_storeu_ps(product.results + tile * kTileColumns, sum);
  }
}

}  // namespace

ProductKernel q4_0_kernel_v4() { return {.block_bytes = Q4_0::kBytes, .multiply = multiply<Q4_0>}; }
ProductKernel q4_1_kernel_v4() { return {.block_bytes = Q4_1::kBytes, .multiply = multiply<Q4_1>}; }
ProductKernel q8_0_kernel_v4() { return {.block_bytes = Q8_0::kBytes, .multiply = multiply<Q8_0>}; }

}  // namespace ebb::engine_llama
