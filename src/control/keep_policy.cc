// Two histograms, seen as one distribution.
#include "control/keep_policy.h"

#include <algorithm>

namespace ebb::control {

namespace {

// Of all endpoints, before any is known: so much in all buckets alike.
constexpr double kNothingKnown = 8;

class Known {
 public:
  Known(const GapHistogram& own, const GapHistogram& all) : own_(own), all_(all) {}
  // Chance of a gap in this bucket, among all.
  double in(size_t bucket) const {
    const double even = kNothingKnown / static_cast<double>(GapHistogram::buckets());
    const double others = (all_.weight(bucket) + even) / (all_.total() + kNothingKnown);
    return (own_.weight(bucket) + kPriorGaps * others) / (own_.total() + kPriorGaps);
  }
  // Of one that is at least so long.
  double from(size_t bucket) const {
    double sum = 0;
    for (size_t i = bucket; i < GapHistogram::buckets(); ++i)
      sum += in(i);
    return sum;
  }

 private:
  const GapHistogram& own_;
  const GapHistogram& all_;
};

// Chance a second that it ends in this bucket; `left`: that it lasts until the bucket begins. On the average it ends in its middle.
double hazard(double in, double left, size_t bucket) { return in / (left - in / 2) / std::chrono::duration<double>(GapHistogram::width_of(bucket)).count(); }

double seconds_of(nanoseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

Hold hold_at(const GapHistogram& own, const GapHistogram& all, const Stake& stake, nanoseconds age) {
  const Known gaps(own, all);
  const double saved = seconds_of(stake.saves) * stake.worth_byte_seconds;
  const auto pays = [&](size_t bucket, double in, double left) {
    return GapHistogram::begin_of(bucket) < kHoldLeast || hazard(in, left, bucket) * saved >= static_cast<double>(stake.bytes);
  };
  const size_t first = GapHistogram::bucket_of(age);
  const double at_first = gaps.from(first);
  double left = at_first;
  Hold hold{.held = pays(first, gaps.in(first), left)};
  for (size_t bucket = first; bucket < GapHistogram::buckets(); ++bucket) {
    const double in = gaps.in(bucket);
    if (pays(bucket, in, left) != hold.held) {
      hold.until = GapHistogram::begin_of(bucket);
      hold.chance = 1 - left / at_first;
      return hold;
    }
    left = std::max(left - in, 1e-12);
  }
  hold.chance = 1;
  // Beyond what is counted nothing is held for ever.
  if (hold.held) hold.until = std::max(age, GapHistogram::begin_of(GapHistogram::buckets() - 1)) + GapHistogram::width_of(GapHistogram::buckets() - 1);
  return hold;
}

double worth_of(const GapHistogram& own, const GapHistogram& all, const Stake& stake, nanoseconds age) {
  const Known gaps(own, all);
  const size_t bucket = GapHistogram::bucket_of(age);
  return hazard(gaps.in(bucket), gaps.from(bucket), bucket) * seconds_of(stake.saves) / static_cast<double>(std::max<uint64_t>(stake.bytes, 1));
}

}  // namespace ebb::control
