// Equal shares, or turns.
#include "control/core_policy.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace ebb::control {

namespace {

constexpr uint64_t kEveryonesTurn = 8;

}  // namespace

std::vector<int> share_cores(int cores, std::span<const domain::Priority> busy, uint64_t rotation) {
  std::vector<int> threads(busy.size(), 0);
  if (busy.empty()) return threads;
  auto left = static_cast<size_t>(cores);
  if (busy.size() <= left) {
    for (size_t i = 0; i < busy.size(); ++i)
      threads[i] = static_cast<int>(left / busy.size() + (i < left % busy.size() ? 1 : 0));
    return threads;
  }
  const bool mixed = std::ranges::adjacent_find(busy, std::not_equal_to{}) != busy.end();
  if (mixed && rotation % kEveryonesTurn == kEveryonesTurn - 1) {
    for (size_t i = 0; i < left; ++i)
      threads[(rotation / kEveryonesTurn + i) % busy.size()] = 1;
    return threads;
  }
  for (const domain::Priority priority : domain::kPriorities) {
    std::vector<size_t> of_class;
    for (size_t i = 0; i < busy.size(); ++i) {
      if (busy[i] == priority) of_class.push_back(i);
    }
    const size_t served = std::min(left, of_class.size());
    for (size_t i = 0; i < served; ++i)
      threads[of_class[(rotation + i) % of_class.size()]] = 1;
    left -= served;
  }
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
