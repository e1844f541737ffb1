// What a death means: for the calls that ran, for the next start, and when a silent worker counts as dead.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"

namespace ebb::control {

enum class AfterDeath { kRetry, kPoison, kTooLate, kBroken };
// A call whose worker died. `kills` counts this death. Once text was given there is no second try: the caller would get it twice.
AfterDeath after_death(bool gave_text, int kills, bool time_left);

// The pause before the next start after `failures` deaths in a row: none after the first, then doubling from 250 ms to 30 s.
nanoseconds back_off(int failures);
// Deaths in a row after which waiting calls are told instead of waiting on.
inline constexpr int kBreakerFailures = 5;

// How long a worker may show no progress while work is due.
nanoseconds load_silence_max(uint64_t weights_bytes);
// How long a start or a wake may take in all: a worker that only says that it makes progress has an end too.
nanoseconds load_time_max(uint64_t weights_bytes);
inline constexpr seconds kBusySilenceMax{30};
inline constexpr seconds kParkSilenceMax{10};
// Likewise in all: a Resize, or a Park.
inline constexpr seconds kChangeMax{60};
// After a cancel, the slot must be free within this, or the worker is stuck.
inline constexpr seconds kCancelMax{5};
inline constexpr seconds kDrainMax{30};
// A function's worker ends a call that is late itself, and in the words of its contract: so much later it is ended for it.
inline constexpr milliseconds kFunctionLastWordMax{500};

}  // namespace ebb::control
