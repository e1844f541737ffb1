// The two clocks as types, so that one is never taken for the other.
//
// MonoTime orders events inside one process: waits, deadlines, bills. WallTime is for people and for records, and may jump.
#pragma once

#include <chrono>

namespace ebb {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// A clock without now(): only io/clock.h reads the real one, so that decisions can run in virtual time.
struct MonoClock {
  using duration = nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonoClock>;
  static constexpr bool is_steady = true;
};

using MonoTime = MonoClock::time_point;
using WallTime = std::chrono::sys_time<milliseconds>;

}  // namespace ebb
