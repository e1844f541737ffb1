// How many of a worker's slots are used at once: all, until calls end too late; then fewer, and again more as they end well.
//
// Where calls share what computes them, each more makes all slower. A call that is cut off at its deadline was computed for nothing: with fewer at once,
// fewer of them are (additive increase, multiplicative decrease, as of a congestion window: Chiu and Jain, 1989). Pure.
#pragma once

#include <limits>

#include "base/time.h"

namespace ebb::control {

struct AtOnce {
  int most = std::numeric_limits<int>::max();  // at least 1
  int well = 0;                                // calls that ended well since it changed
  MonoTime lowered{};                          // when it was last lowered
  bool operator==(const AtOnce&) const = default;
};

// A call was cut off at its deadline while `running` ran, it among them, and a call takes about `service`: what they suffer together is one reason only.
void ended_late(AtOnce& at_once, int running, nanoseconds service, MonoTime now);
// A call ended well while `running` ran, it among them, in a worker with so many slots.
void ended_well(AtOnce& at_once, int running, int slots);

}  // namespace ebb::control
