// Equal shares, or turns.
#include "control/core_policy.h"

#include <algorithm>
#include <cmath>

namespace ebb::control {

std::vector<int> share_cores(int cores, size_t busy, uint64_t rotation) {
  std::vector<int> threads(busy, 0);
  if (busy == 0) return threads;
  const auto all = static_cast<size_t>(cores);
  if (busy <= all) {
    for (size_t i = 0; i < busy; ++i)
      threads[i] = static_cast<int>(all / busy + (i < all % busy ? 1 : 0));
    return threads;
  }
  for (size_t i = 0; i < all; ++i)
    threads[(rotation + i) % busy] = 1;
  return threads;
}

int cores_for_engines(int cores, double busy_elsewhere, int now) {
  const auto left_with = [&](double threshold) { return std::clamp(cores - static_cast<int>(std::floor(busy_elsewhere + 1.0 - threshold)), 1, cores); };
  const int careful = left_with(0.5);
  const int generous = left_with(0.2);
  if (careful < now) return careful;
  return generous > now ? generous : now;
}

}  // namespace ebb::control
