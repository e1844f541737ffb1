// Attention on any processor. Compiled alone: its names are those of the others.
#include <cstdint>
#include <cstring>

#include "engine_llama/attention_code.h"

namespace ebb::engine_llama {

namespace {

struct Vector {
  static constexpr int kFloats = 4;
  static constexpr int kAtOnce = 2;
  static constexpr bool kTurns = false;
  using Four = float __attribute__((vector_size(16)));

  Vector() = default;
  Vector(Four of) : v(of) {}
  explicit Vector(float x) : v{x, x, x, x} {}
  static Vector load(const float* from) {
    Vector loaded;
    std::memcpy(&loaded.v, from, sizeof loaded.v);
    return loaded;
  }
  static Vector of_halves(const uint16_t* from) { return Four{of_half(from[0]), of_half(from[1]), of_half(from[2]), of_half(from[3])}; }
  static float of_half(uint16_t half);
  static void turn_eight(const char* /*from*/, size_t /*stride*/, float* /*to*/, size_t /*to_stride*/) {}
  static Vector sums_of(const Vector (&of)[kFloats]);
  void store(float* to) const { std::memcpy(to, &v, sizeof v); }

  Four v;
};

// IEEE 754 binary16, by its parts.
float Vector::of_half(uint16_t half) {
  const uint32_t sign = (half & 0x8000U) << 16U;
  const uint32_t exponent = (half >> 10U) & 31U;
  const uint32_t fraction = half & 0x3FFU;
  uint32_t bits = sign;
  float small = 0;
  if (exponent == 31) {
    bits |= 0x7F800000U | (fraction << 13U);
  } else if (exponent > 0) {
    bits |= ((exponent + 112U) << 23U) | (fraction << 13U);
  } else {
    small = static_cast<float>(fraction) * 0x1p-24F;
    return sign != 0 ? -small : small;
  }
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <class Of>
Vector each(Vector a, Of of) {
  return Vector::Four{of(a.v[0]), of(a.v[1]), of(a.v[2]), of(a.v[3])};
}

Vector operator+(Vector a, Vector b) { return a.v + b.v; }
Vector operator-(Vector a, Vector b) { return a.v - b.v; }
Vector operator*(Vector a, Vector b) { return a.v * b.v; }
Vector operator/(Vector a, Vector b) { return a.v / b.v; }
// Not fused: this file is compiled without contraction, so that it is rounded in the same places everywhere.
Vector fused(Vector a, Vector b, Vector c) { return a.v * b.v + c.v; }
Vector max(Vector a, Vector b) { return a.v > b.v ? a.v : b.v; }
Vector min(Vector a, Vector b) { return a.v < b.v ? a.v : b.v; }
Vector round(Vector a) {
  return each(a, [](float x) { return __builtin_nearbyintf(x); });
}
Vector times_power_of_two(Vector a, Vector n) {
  Vector::Four result;
  for (int i = 0; i < 4; ++i)
    result[i] = __builtin_ldexpf(a.v[i], static_cast<int>(n.v[i]));
  return result;
}
Vector zero_below(Vector x, float least, Vector a) { return x.v >= Vector(least).v ? a.v : Vector(0.0F).v; }
float larger(float a, float b) { return a < b ? b : a; }
float largest_of(Vector a) { return larger(larger(a.v[0], a.v[1]), larger(a.v[2], a.v[3])); }
float sum_of(Vector a) { return (a.v[0] + a.v[1]) + (a.v[2] + a.v[3]); }

Vector Vector::sums_of(const Vector (&of)[kFloats]) {
  Four sums;
  for (int i = 0; i < kFloats; ++i)
    sums[i] = (of[i].v[0] + of[i].v[2]) + (of[i].v[1] + of[i].v[3]);
  return sums;
}

}  // namespace

void attend_plain(const AttentionRows& rows, float* room) { Attention<Vector>(rows, room).run(); }

}  // namespace ebb::engine_llama
