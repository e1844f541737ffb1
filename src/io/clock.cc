// Reading the kernel's clocks.
#include "io/clock.h"

#include <ctime>

namespace ebb::io {

MonoTime SystemClock::mono() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return MonoTime(seconds(now.tv_sec) + nanoseconds(now.tv_nsec));
}

WallTime SystemClock::wall() const { return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now()); }

}  // namespace ebb::io
