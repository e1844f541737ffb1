// The average needs no history: with each change it nears what held since the last one, the more the longer that was.
#include "control/rise_policy.h"

#include <cmath>

namespace ebb::control {

namespace {

// Its habit now, as for gaps.
constexpr double kFade = 0.98;

double seconds_of(nanoseconds time) { return std::chrono::duration<double>(time).count(); }

void close(Rise& rise, double& as) {
  rise.went_on *= kFade;
  rise.came_to_nothing *= kFade;
  as += 1;
  rise.rank = 0;
}

}  // namespace

bool count_rise(Rise& rise, const Calls& calls, nanoseconds start_takes, MonoTime now) {
  const double time = seconds_of(now - rise.counted);
  const double looked_at = seconds_of(kRiseOfStarts * start_takes);
  if (time > 0) rise.usual += (calls.before - rise.usual) * time / (time + looked_at);
  rise.counted = now;
  if (calls.before <= rise.usual) rise.began = now;
  if (rise.rank > 0 && calls.level > rise.rank) {
    close(rise, rise.went_on);
    rise.over = false;  // it may go on to the next one
  }
  const bool grown = calls.now > rise.usual;
  if (rise.rank > 0 && (!grown || calls.level < rise.rank || now >= rise.until)) close(rise, rise.came_to_nothing);
  if (!grown) rise.over = false;
  if (rise.rank > 0 || rise.over || calls.level == 0 || calls.now <= calls.before || now - rise.began < start_takes) return false;
  const double then = calls.now + (calls.now - rise.usual) * kRiseForStarts / kRiseOfStarts;
  // Less than half a call is none.
  if (std::lround(then) <= static_cast<int64_t>(calls.level) * calls.per_instance) return false;
  rise.rank = calls.level;
  rise.until = now + kRiseOfStarts * start_takes;
  rise.over = true;
  return true;
}

double chance_of(const Rise& rise) { return (rise.went_on + 1) / (rise.went_on + rise.came_to_nothing + 2); }

bool pays_to_start(const Rise& rise, const Stake& stake) {
  const double chance = chance_of(rise);
  const double start = seconds_of(stake.saves);
  const double held = static_cast<double>(stake.bytes) * (kStartCosts + kRiseOfStarts) * start;
  return chance >= kRiseChanceLeast && chance * start * stake.worth_byte_seconds >= held;
}

}  // namespace ebb::control
