// Whether an endpoint's calls grow past the instances that they need now, so that one more can be ready by then.
//
// Calls that last let their number grow for a while: what it grew by is told from its average over the last starts, and taken to go on for a fifth of that
// time. A rise opens when by this all calls would not fit, unless it is younger than a start, as bursts are, and has gone on once one more instance is needed;
// it is over when the calls are as few as their average again, or after the time that was looked back upon. Some endpoints' calls come in bursts that end
// before: how many of an endpoint's rises went on is counted, and where most did not, nothing is started.
#pragma once

#include "base/time.h"
#include "control/keep_policy.h"

namespace ebb::control {

// The average is of about so many starts' time: over less it is chance who comes together.
inline constexpr int kRiseOfStarts = 20;
// So many starts' time ahead one is started: one start, one for memory that is on its way, and as much again for a moment that is not known well.
inline constexpr int kRiseForStarts = 4;
// A start in vain for each that saves a wait, no more.
inline constexpr double kRiseChanceLeast = 0.5;

struct Rise {
  double usual = 0;    // calls, by their average
  MonoTime counted{};  // until then
  MonoTime began{};    // since when they are more
  int rank = 0;        // of the instance that will be needed by the rise that is open; 0: none is
  MonoTime until{};    // when it is over at the latest
  bool over = false;   // none opens before the calls are as few as their average
  double went_on = 0;  // rises, of which older ones fade …
  double came_to_nothing = 0;
  // That instance, at this time.
  bool expects(int of, MonoTime now) const { return rank > 0 && of == rank && now < until; }
  bool operator==(const Rise&) const = default;
};

// What an endpoint has at this time: calls that wait or run, and the instances that they need.
struct Calls {
  int before = 0;  // until now
  int now = 0;
  int level = 0;
  int per_instance = 1;
};
// After each change. True: a rise has opened.
bool count_rise(Rise& rise, const Calls& calls, nanoseconds start_takes, MonoTime now);

// That a rise goes on, by those that there were: even where there was none.
double chance_of(const Rise& rise);
// Whether one more instance is worth a start now. What its memory is worth is the stake's.
bool pays_to_start(const Rise& rise, const Stake& stake);

}  // namespace ebb::control
