// The buckets' edges are made once, in whole nanoseconds.
#include "domain/gap_histogram.h"

#include <algorithm>

namespace ebb::domain {

namespace {

constexpr nanoseconds kFinest = seconds(5);
constexpr int64_t kSteps = 40;  // a bucket is a fortieth of its begin wide
constexpr nanoseconds kLongest = std::chrono::hours(8 * 24);
constexpr double kBeside = 0.25;
constexpr double kUnitMax = 1e100;

std::vector<nanoseconds> make_edges() {
  std::vector<nanoseconds> edges{nanoseconds{0}};
  while (edges.back() < kLongest)
    edges.push_back(edges.back() + std::max(kFinest, edges.back() / kSteps));
  return edges;
}

const std::vector<nanoseconds>& edges() {
  static const std::vector<nanoseconds> made = make_edges();
  return made;
}

}  // namespace

size_t GapHistogram::buckets() { return edges().size(); }

size_t GapHistogram::bucket_of(nanoseconds gap) {
  const auto after = std::ranges::upper_bound(edges(), std::max(gap, nanoseconds{0}));
  return static_cast<size_t>(after - edges().begin()) - 1;
}

nanoseconds GapHistogram::begin_of(size_t bucket) { return edges()[bucket]; }

nanoseconds GapHistogram::width_of(size_t bucket) {
  const size_t next = std::min(bucket + 1, edges().size() - 1);
  return edges()[next] - edges()[next - 1];
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
