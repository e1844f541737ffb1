// `ebb plan TRACE --validate`: a slice of the trace, lived through by a running server with endpoints made for it, beside what the plan makes of the same
// slice.
#pragma once

#include "base/result.h"
#include "cli/context.h"
#include "plan/outcome.h"
#include "plan/settings.h"
#include "plan/slice.h"

namespace ebb::app {

struct ValidateWanted {
  plan::SliceWanted slice;
  plan::SettingsByName settings;  // in the trace's time; endpoints without any are parked after 30 s and end after 10 minutes
  bool as_json = false;
};

// Talks to the server of the context. Endpoints are called plan-…, and are removed in the end, also after Ctrl-C. Error: kExists where one of them is there
// already; what the server says; kCancelled.
Status validate(plan::Trace& trace, const plan::World& world, const ValidateWanted& wanted, cli::Context& context);

}  // namespace ebb::app
