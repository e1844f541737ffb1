// Levels rise and fall one at a time.
#include "control/demand.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "control/keep_policy.h"

namespace ebb::control {

namespace {

// What its habit is now, and what others' habits are at all.
constexpr double kFadeOwn = 0.98;
constexpr double kFadeAll = 0.99999;

constexpr int kByThemselves = 8;

}  // namespace

size_t height_of(int rank) {
  if (rank < kByThemselves) return static_cast<size_t>(std::max(rank, 0));
  const int octave = std::bit_width(static_cast<unsigned>(rank)) - std::bit_width(static_cast<unsigned>(kByThemselves));
  return static_cast<size_t>(kByThemselves * (octave + 1) + (rank >> octave) - kByThemselves);
}

const domain::GapHistogram& Gaps::of(int rank) const {
  static const domain::GapHistogram kNone;
  const size_t height = height_of(rank);
  return height < by_height_.size() ? by_height_[height] : kNone;
}

void Gaps::add(int rank, nanoseconds gap, double fade) {
  const size_t height = height_of(rank);
  if (by_height_.size() <= height) by_height_.resize(height + 1);
  by_height_[height].add(gap, fade);
}

namespace {

// By begins of classes.
size_t class_of(double seen) {
  size_t found = 0;
  while (found + 1 < kSeenFrom.size() && seen >= kSeenFrom[found + 1] - 0.5)
    ++found;
  return found;
}

}  // namespace

const domain::GapHistogram& OthersGaps::of(int rank, double seen) const { return by_seen_[class_of(seen)].of(rank); }
void OthersGaps::add(int rank, double seen, nanoseconds gap, double fade) { by_seen_[class_of(seen)].add(rank, gap, fade); }

void Demand::changed(int by, int calls_per_instance, MonoTime now, OthersGaps& all) {
  calls += by;
  EBB_CHECK(calls >= 0);
  const int wanted = (calls + calls_per_instance - 1) / calls_per_instance;
  for (; level < wanted; ++level) {
    const auto rank = static_cast<size_t>(level);
    if (rank >= since.size() || since[rank] == MonoTime{}) continue;
    const nanoseconds gap = now - since[rank];
    if (gap < kHoldLeast) continue;  // decides nothing, and would drive out what does
    all.add(level, gaps.of(level).total(), gap, kFadeAll);
    gaps.add(level, gap, kFadeOwn);
  }
  for (; level > wanted; --level) {
    const auto rank = static_cast<size_t>(level - 1);
    if (since.size() <= rank) since.resize(rank + 1);
    since[rank] = now;
  }
}

nanoseconds Demand::idle_for(int rank, MonoTime begin, MonoTime now) const {
  if (rank < level || rise.expects(rank, now)) return nanoseconds{0};
  const auto index = static_cast<size_t>(rank);
  const MonoTime from = index < since.size() && since[index] != MonoTime{} ? since[index] : begin;
  return now - from;
}

}  // namespace ebb::control
