// The pure core: every decision about calls, workers and bills, as one function of (state, event, now, random source).
//
// No clock, thread, socket or file inside. The server's loop feeds it events and does what the actions say; the simulation and
// `ebb plan` feed it the same events in virtual time. State is plain values in ordered containers: it can be compared, printed and
// saved. Single-threaded. `now` never decreases.
#pragma once

#include <map>
#include <random>
#include <string>
#include <vector>

#include "control/action.h"
#include "control/event.h"
#include "control/journal.h"
#include "control/state.h"

namespace ebb::control {

using Rng = std::mt19937_64;

Actions step(State& state, const Event& event, MonoTime now, Rng& rng);

// Holds after every step, whatever the events were; a sentence for each thing that does not (empty: all well). Used by tests, by the
// simulation after every event, and by the server's debug builds.
std::vector<std::string> broken_invariants(const State& state);

}  // namespace ebb::control
