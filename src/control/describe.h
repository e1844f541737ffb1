// The whole state as JSON, for bug reports and tests: what the core knew when it decided. No prompt, answer or key is in it, since the
// core never sees any. Times are nanoseconds of the server's monotonic clock; ids are hex, as in logs.
#pragma once

#include "base/json.h"
#include "control/state.h"

namespace ebb::control {

json::value describe(const State& state);

}  // namespace ebb::control
