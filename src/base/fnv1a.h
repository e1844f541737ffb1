// FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv): tells by accident different bytes apart. No defence against whoever chooses them.
#pragma once

#include <cstdint>
#include <string_view>

namespace ebb {

inline constexpr uint64_t kFnv1aStart = 14695981039346656037ULL;

// Of `bytes`, or of what `from` stands for and `bytes` behind it.
constexpr uint64_t fnv1a(std::string_view bytes, uint64_t from = kFnv1aStart) {
  constexpr uint64_t kPrime = 1099511628211ULL;
  for (const char c : bytes)
    from = (from ^ static_cast<unsigned char>(c)) * kPrime;
  return from;
}

}  // namespace ebb
