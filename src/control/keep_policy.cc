// Two histograms, seen as one distribution.
#include "control/keep_policy.h"

#include <algorithm>
#include <vector>

namespace ebb::control {

namespace {

// Of all endpoints, before any is known: so much in all buckets alike.
constexpr double kNothingKnown = 8;

class Known {
 public:
  Known(const domain::GapHistogram& own, const domain::GapHistogram& all)
      : own_(own), all_(all), others_(kPriorGaps / (all.total() + kNothingKnown)), scale_(1 / (own.total() + kPriorGaps)) {}
  // Chance of a gap in this bucket, among all.
  double in(size_t bucket) const { return (own_.weight(bucket) + others_ * (all_.weight(bucket) + even_)) * scale_; }
  // Of one that is at least so long.
  double from(size_t bucket) const {
    double sum = 0;
    for (size_t i = bucket; i < domain::GapHistogram::buckets(); ++i)
      sum += in(i);
    return sum;
  }

 private:
  const domain::GapHistogram& own_;
  const domain::GapHistogram& all_;
  double others_;  // what a gap of others counts
  double scale_;
  double even_ = kNothingKnown / static_cast<double>(domain::GapHistogram::buckets());
};

double seconds_of(nanoseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

namespace {

// What is best at the begin of a bucket, in bytes times seconds from there on, times the chance that it is reached.
struct Best {
  std::vector<double> left;  // chance that the silence lasts until then
  std::vector<bool> stays;   // what is there
  std::vector<bool> starts;  // what is not
};

Best best_plan(const Known& gaps, const Stake& stake) {
  const size_t buckets = domain::GapHistogram::buckets();
  Best best{.left = std::vector<double>(buckets + 1, 0), .stays = std::vector<bool>(buckets, false), .starts = std::vector<bool>(buckets, false)};
  const double saved = seconds_of(stake.saves) * stake.worth_byte_seconds;
  const auto bytes = static_cast<double>(stake.bytes);
  const double start = bytes * kStartCosts * seconds_of(stake.saves) + stake.sure * saved;
  double there = 0;      // of being there at the begin of the next bucket …
  double not_there = 0;  // … and of not being there
  for (size_t bucket = buckets; bucket-- > 0;) {
    const double in = gaps.in(bucket);
    best.left[bucket] = best.left[bucket + 1] + in;
    // A call comes in the middle of its bucket, on the average.
    const double held_for = seconds_of(domain::GapHistogram::width_of(bucket)) * (best.left[bucket] - in / 2);
    const double hold = saved * in - bytes * held_for + there;
    const double let_go = not_there;
    const double start_now = hold - start * best.left[bucket];
    best.stays[bucket] = hold >= let_go || domain::GapHistogram::begin_of(bucket) < kHoldLeast;
    best.starts[bucket] = start_now > let_go;
    there = std::max(hold, let_go);
    not_there = std::max(start_now, let_go);
  }
  return best;
}

}  // namespace

Hold hold_at(const domain::GapHistogram& own, const domain::GapHistogram& all, const Stake& stake, nanoseconds age) {
  const Best best = best_plan(Known(own, all), stake);
  const size_t first = domain::GapHistogram::bucket_of(age);
  const size_t buckets = domain::GapHistogram::buckets();
  Hold hold{.held = best.stays[first]};
  size_t end = first;
  while (end < buckets && best.stays[end])
    ++end;
  // Beyond what is counted nothing is held for ever.
  if (hold.held)
    hold.until = end < buckets ? domain::GapHistogram::begin_of(end)
                               : std::max(age, domain::GapHistogram::begin_of(buckets - 1)) + domain::GapHistogram::width_of(buckets - 1);
  size_t start = first;
  while (start < buckets && !best.starts[start])
    ++start;
  if (start < buckets) hold.start = std::max(age, domain::GapHistogram::begin_of(start));
  hold.chance = hold.held ? 1 - best.left[end] / best.left[first] : 0;
  return hold;
}

double worth_of(const domain::GapHistogram& own, const domain::GapHistogram& all, const Stake& stake, nanoseconds age) {
  const double saved = seconds_of(stake.saves) / static_cast<double>(std::max<uint64_t>(stake.bytes, 1));
  if (age < kHoldLeast) return saved / seconds_of(kHoldLeast);  // shorter gaps are not counted
  const Known gaps(own, all);
  const size_t first = domain::GapHistogram::bucket_of(age);
  double left = gaps.from(first);
  double chance = 0;
  double held_for = 0;
  double most = 0;
  for (size_t bucket = first; bucket < domain::GapHistogram::buckets(); ++bucket) {
    const double width = seconds_of(domain::GapHistogram::width_of(bucket));
    // Of the first one a part is over.
    const double ahead = bucket == first ? std::clamp(seconds_of(domain::GapHistogram::begin_of(bucket) - age) + width, width / 8, width) : width;
    const double in = gaps.in(bucket)*ahead / width;
    chance += in;
    held_for += ahead * (left - in / 2);
    left -= in;
    most = std::max(most, chance / held_for);
  }
  return most * saved;
}

}  // namespace ebb::control
