// Random values that are the same on every machine and with every library: no std distribution, no floating point.
//
// Each thing of a world has a stream of its own, made of the seed and of what it is: taking one thing away changes no other's.
// Two draws never stand in one expression: compilers differ in which comes first.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "base/mix.h"
#include "base/time.h"

namespace ebb::sim {

class Random {
 public:
  explicit Random(std::initializer_list<uint64_t> of) {
    for (const uint64_t word : of)
      state_ = mix(state_ ^ word);
  }
  uint64_t next() { return mix(state_++); }
  // 0 … bound - 1.
  uint64_t below(uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
  int64_t between(int64_t least, int64_t most) { return least + static_cast<int64_t>(below(static_cast<uint64_t>(most - least + 1))); }
  nanoseconds between(nanoseconds least, nanoseconds most) { return nanoseconds(between(least.count(), most.count())); }
  bool one_in(uint64_t many) { return below(many) == 0; }
  bool percent(int chance) { return below(100) < static_cast<uint64_t>(chance); }

 private:
  uint64_t state_ = 0;
};

}  // namespace ebb::sim
