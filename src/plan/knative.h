// What Knative does on the same trace: pods by its autoscaler (kpa.h), calls without a pod wait in its activator.
//
// Favourable to Knative where its documentation says nothing: a call finds any free place of any pod at once, calls fill as few pods as they can, and the
// pods that go are those that are empty. A pod that does not fit under the cap is started when it does; nothing is given up for it.
#pragma once

#include "plan/outcome.h"
#include "plan/trace.h"

namespace ebb::plan {

inline constexpr seconds kKnativeWindow{60};  // its default

// `window`: the stable one, 6 s to 1 h, whole seconds; the panic window is a tenth of it, all else is as by default. A start is cold where a call waits when
// it is over; starts in vain are not told apart. Rewinds the trace.
Outcome knative(Trace& trace, const World& world, seconds window = kKnativeWindow);

}  // namespace ebb::plan
