// A gap is added to three buckets.
#include "domain/gap_histogram.h"

#include <algorithm>

namespace ebb::domain {

namespace {

constexpr double kBeside = 0.25;
constexpr double kUnitMax = 1e100;

}  // namespace

size_t GapHistogram::bucket_of(nanoseconds gap) {
  const auto after = std::ranges::upper_bound(kGapEdges, std::max(gap, nanoseconds{0}));
  return static_cast<size_t>(after - kGapEdges.begin()) - 1;
}

void GapHistogram::add(nanoseconds gap, double fade) {
  const size_t bucket = bucket_of(gap);
  unit_ /= fade;
  const size_t before = bucket == 0 ? 0 : bucket - 1;
  const size_t after = std::min(bucket + 1, buckets() - 1);
  weights_.resize(std::max(weights_.size(), after + 1));
  weights_[before] += kBeside * unit_;
  weights_[bucket] += (1 - 2 * kBeside) * unit_;
  weights_[after] += kBeside * unit_;
  total_ += unit_;
  if (unit_ < kUnitMax) return;
  for (double& weight : weights_)
    weight /= unit_;
  total_ /= unit_;
  unit_ = 1;
}

}  // namespace ebb::domain
