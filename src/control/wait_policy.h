// Whether a call may join its endpoint's queue, and when to come back if not.
#pragma once

#include <optional>

#include "base/result.h"
#include "base/time.h"
#include "domain/endpoint.h"

namespace ebb::control {

struct WaitQuestion {
  int waiting = 0;         // calls before it …
  int running = 0;         // … and those that hold a slot
  int slots = 0;           // that work off the queue; 0: none yet
  nanoseconds service{0};  // of one call; 0: not known
  nanoseconds start{0};    // what is left of a start or wake, as far as known
  domain::CallLimits limits;
  nanoseconds time_left{0};  // until the caller's deadline
};

// How long a call that joins now will wait, by what is known. Zero where nothing is known.
nanoseconds expected_wait(const WaitQuestion& question);

// The refusal, or nothing: the call may wait.
std::optional<Error> refuse_wait(const WaitQuestion& question);

}  // namespace ebb::control
