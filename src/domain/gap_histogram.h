// How long it lasts between two calls: gaps counted in buckets that widen with the time, the last ones most.
//
// A bucket is 5 s wide at first, then a fortieth of its begin; the last one has no end. Older gaps fade: with `fade` 0.98 each new one makes
// the others weigh a fiftieth less, so that a changed habit is learned within some fifty calls.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "base/time.h"

namespace ebb::domain {

// Begins of buckets, and the end of the last but one.
struct GapEdges {
  static constexpr nanoseconds kFinest = seconds(5);
  static constexpr int64_t kSteps = 40;  // a bucket is a fortieth of its begin wide
  static constexpr nanoseconds kLongest = std::chrono::hours(8 * 24);

  static constexpr nanoseconds next(nanoseconds edge) { return edge + std::max(kFinest, edge / kSteps); }
  static constexpr size_t count() {
    size_t count = 1;
    for (nanoseconds edge{0}; edge < kLongest; edge = next(edge))
      ++count;
    return count;
  }
  static constexpr auto make() {
    std::array<nanoseconds, count()> edges{};
    for (size_t i = 1; i < edges.size(); ++i)
      edges[i] = next(edges[i - 1]);
    return edges;
  }
};
inline constexpr auto kGapEdges = GapEdges::make();

class GapHistogram {
 public:
  static constexpr size_t buckets() { return kGapEdges.size(); }
  static size_t bucket_of(nanoseconds gap);
  static constexpr nanoseconds begin_of(size_t bucket) { return kGapEdges[bucket]; }
  // Of the last one: as of the one before it.
  static constexpr nanoseconds width_of(size_t bucket) {
    const size_t next = std::min(bucket + 1, kGapEdges.size() - 1);
    return kGapEdges[next] - kGapEdges[next - 1];
  }

  // A quarter counts in each of the two buckets beside it: what comes each hour comes a little earlier or later.
  void add(nanoseconds gap, double fade);
  double total() const { return total_ / unit_; }
  double weight(size_t bucket) const { return bucket < weights_.size() ? weights_[bucket] / unit_ : 0; }
  bool operator==(const GapHistogram&) const = default;

 private:
  std::vector<double> weights_;  // up to the last bucket that has any
  double total_ = 0;
  double unit_ = 1;  // what one gap counts now: it grows instead of all others being made smaller
};

}  // namespace ebb::domain
