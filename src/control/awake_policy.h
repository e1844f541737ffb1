// Whether idle processors wait awake for the next call, or sleep.
//
// A call wakes threads four to six times, one after the other, and where the processor sleeps each costs some 35 us in a virtual machine: as much as all that
// is computed for a call. Waiting awake costs what is idle until the next call, and nothing where nothing is idle. So they wait awake while a call comes at
// least every other millisecond, on average over 10 ms, from the moment at which one came each millisecond.
#pragma once

#include "base/time.h"

namespace ebb::control {

inline constexpr milliseconds kPaceOver{10};
inline constexpr int kCallsToWake = 10;
inline constexpr int kCallsToStayAwake = 5;

struct Pace {
  bool awake = false;
  int calls = 0;  // that came …
  MonoTime since{};
};

// A call has come.
void count_call(Pace& pace, MonoTime now);
// Each kPaceOver, while they are awake.
void look_at_pace(Pace& pace);

}  // namespace ebb::control
