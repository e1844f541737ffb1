// The step of splitmix64: spreads what is in a word over all its bits. For random numbers that are the same everywhere, and for hashes of small values.
#pragma once

#include <cstdint>

namespace ebb {

constexpr uint64_t mix(uint64_t word) {
  word += 0x9e3779b97f4a7c15U;
  word = (word ^ (word >> 30U)) * 0xbf58476d1ce4e5b9U;
  word = (word ^ (word >> 27U)) * 0x94d049bb133111ebU;
  return word ^ (word >> 31U);
}

}  // namespace ebb
