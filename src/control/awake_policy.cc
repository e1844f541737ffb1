// Calls are counted from the first one on, for so long; then from the next one.
#include "control/awake_policy.h"

namespace ebb::control {

void count_call(Pace& pace, MonoTime now) {
  // While they are awake, who looks begins anew.
  if (!pace.awake && now - pace.since >= kPaceOver) pace = {.since = now};
  if (++pace.calls >= kCallsToWake && !pace.awake) pace = {.awake = true, .since = now};
}

void look_at_pace(Pace& pace) {
  pace.awake = pace.calls >= kCallsToStayAwake;
  pace.calls = 0;
}

}  // namespace ebb::control
