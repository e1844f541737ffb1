// Whether something idle is worth the memory that it holds, and for how long: an expected wait against bytes times seconds.
//
//   hold it at this age  ⇔  chance of a call a second, at this age  ×  wait that holding it saves  ×  kWorth  ≥  bytes that it holds
//
// The chance comes from the endpoint's own gaps between calls, and as long as these are few from those of all endpoints: both are counted
// together, the second with the weight of kPriorGaps (a Dirichlet prior). With a habit ("each hour") it is high in a window far from
// zero: then the answer is no until shortly before it, which is when to start again. Where nothing at all is known, the next call is taken to
// be as likely in any bucket: the longer the silence, the longer it is expected to last.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "control/gap_histogram.h"

namespace ebb::control {

// A second of somebody's wait is worth a GiB held for 20 minutes: what the clouds do, which keep a function of that size for about so long.
inline constexpr double kWorthByteSeconds = 1'200.0 * (1ULL << 30U);
// So many gaps of its own weigh as much as all that is known of others.
inline constexpr double kPriorGaps = 4;
// Whatever is idle for less stays: most calls come close to another.
inline constexpr seconds kHoldLeast{5};

struct Stake {
  uint64_t bytes = 0;    // that holding it takes
  nanoseconds saves{0};  // of the next call's wait
  double worth_byte_seconds = kWorthByteSeconds;
};

// From an age on: held or not, and the age at which that changes; nanoseconds::max(): never.
struct Hold {
  bool held = false;
  nanoseconds until{nanoseconds::max()};
  double chance = 0;  // that a call comes before `until`, by what is known
};
Hold hold_at(const GapHistogram& own, const GapHistogram& all, const Stake& stake, nanoseconds age);

// What is lost with one byte if something is given up at this age: seconds of expected wait in the next minutes, for each byte. To be compared only.
double worth_of(const GapHistogram& own, const GapHistogram& all, const Stake& stake, nanoseconds age);

}  // namespace ebb::control
