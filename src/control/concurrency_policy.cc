// One down by a tenth, up by one.
#include "control/concurrency_policy.h"

#include <algorithm>

namespace ebb::control {

void ended_late(AtOnce& at_once, int running, nanoseconds service, MonoTime now) {
  // Those that ran beside it may be late for the same reason: it is answered once.
  if (at_once.lowered != MonoTime{} && now - at_once.lowered < service) return;
  const int now_used = std::min(at_once.most, running);
  at_once = {.most = std::max(1, now_used - std::max(1, now_used / 10)), .well = 0, .lowered = now};
}

void ended_well(AtOnce& at_once, int running, int slots) {
  if (at_once.most == AtOnce{}.most) return;
  // Only one that is reached says anything about the next.
  if (running < at_once.most) return;
  if (++at_once.well < at_once.most) return;
  ++at_once.most;
  at_once.well = 0;
  if (at_once.most >= slots) at_once = {};
}

}  // namespace ebb::control
