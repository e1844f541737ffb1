// How long it lasts between two calls: gaps counted in buckets that widen with the time, the last ones most.
//
// A bucket is 5 s wide at first, then a fortieth of its begin; the last one has no end. Older gaps fade: with `fade` 0.98 each new one makes
// the others weigh a fiftieth less, so that a changed habit is learned within some fifty calls.
#pragma once

#include <cstddef>
#include <vector>

#include "base/time.h"

namespace ebb::domain {

class GapHistogram {
 public:
  static size_t buckets();
  static size_t bucket_of(nanoseconds gap);
  static nanoseconds begin_of(size_t bucket);
  // Of the last one: as of the one before it.
  static nanoseconds width_of(size_t bucket);

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
