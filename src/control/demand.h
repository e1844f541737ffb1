// How many instances an endpoint's calls need at once, and for how long each level was not needed: what the gaps are of.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "base/time.h"
#include "control/rise_policy.h"
#include "domain/gap_histogram.h"

namespace ebb::control {

// Of one endpoint, or of all. The first instance and the others live different lives: the first sleeps between visits, the others between peaks, the
// longer the higher they are. The first eight ranks are counted by themselves, then an eighth of each octave together: 8, 9, …, 16–17, 18–19, …
class Gaps {
 public:
  // Empty where nothing was counted.
  const domain::GapHistogram& of(int rank) const;
  void add(int rank, nanoseconds gap, double fade);
  bool operator==(const Gaps&) const = default;

 private:
  std::vector<domain::GapHistogram> by_height_;
};
size_t height_of(int rank);

// What is known of others, by how many gaps they had seen by then: who was called once may never be called again, and who is called each minute has many gaps,
// which say nothing of that. Few classes: each is to know something soon.
inline constexpr std::array<int, 4> kSeenFrom{0, 1, 2, 8};
class OthersGaps {
 public:
  const domain::GapHistogram& of(int rank, double seen) const;
  void add(int rank, double seen, nanoseconds gap, double fade);
  bool operator==(const OthersGaps&) const = default;

 private:
  std::array<Gaps, kSeenFrom.size()> by_seen_;
};

struct Demand {
  int calls = 0;                // that wait or run
  int level = 0;                // instances that they need
  std::vector<MonoTime> since;  // since when the one of this rank is not needed; MonoTime{}: never was
  Gaps gaps;
  Rise rise;  // past the level

  // One more call, or one less; each of a level that rises ends a gap, which `all` learns, too.
  void changed(int by, int calls_per_instance, MonoTime now, OthersGaps& all);
  // What is known of those that have seen as many gaps as the one of this rank.
  const domain::GapHistogram& others(int rank, const OthersGaps& all) const { return all.of(rank, gaps.of(rank).total()); }
  // How long the one of this rank has not been needed: zero if it is, or is expected to be by a rise; the time since `begin` if it never was.
  nanoseconds idle_for(int rank, MonoTime begin, MonoTime now) const;
  bool operator==(const Demand&) const = default;
};

}  // namespace ebb::control
