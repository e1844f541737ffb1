// What others do, on the same trace: a fixed time of keeping, and the least recently used first under a cap. Models of a few lines; for comparison.
//
// As in Ebb: a call takes the instance that was used last, and where all are busy a new one is started for it.
#pragma once

#include "plan/outcome.h"
#include "plan/trace.h"

namespace ebb::plan {

// Each instance goes when it was idle for so long. Rewinds the trace.
Outcome fixed_keep(Trace& trace, const World& world, nanoseconds keep);

// Instances stay until memory is short: then those that were idle longest go. Rewinds the trace.
Outcome least_recent(Trace& trace, const World& world);

// One instance for each function that is called at all, and as many as ever served at once, all the time.
Outcome always_on(Trace& trace, const World& world);

}  // namespace ebb::plan
