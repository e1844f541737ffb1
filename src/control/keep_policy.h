// Whether something idle is worth the memory that it holds, until when, and when to start it again before a call.
//
// Against each other stand a wait that holding saves, if a call comes, and bytes times seconds, until it comes. When a call comes is known from the
// endpoint's own gaps between calls, and as long as these are few from those of all endpoints: both are counted together, the second with the
// weight of kPriorGaps (a Dirichlet prior). Over the buckets of such gaps the best plan of holding, letting go and starting again is found from the last
// bucket to the first (dynamic programming): with a habit ("each hour") it holds nothing until shortly before the hour. Where nothing at all is known, the next
// call is taken to be as likely in any bucket: the longer the silence, the longer it is expected to last.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "domain/gap_histogram.h"

namespace ebb::control {

// A second of somebody's wait is worth a GiB held for 20 minutes: what the clouds do, which keep a function of that size for about so long.
inline constexpr double kWorthByteSeconds = 1'200.0 * (1ULL << 30U);
// So many gaps of its own weigh as much as all that is known of others.
inline constexpr double kPriorGaps = 4;
// Whatever is idle for less stays: most calls come close to another.
inline constexpr seconds kHoldLeast{5};
// A start takes cores and memory from others: as much as holding it for so many times as long as it takes.
inline constexpr int kStartCosts = 30;
// A start ahead for which something else goes saves at least so much of a wait, after what its memory is worth to others: a guess that is as often wrong as
// right costs two starts and saves one.
inline constexpr double kSureOfIt = 0.75;

struct Stake {
  uint64_t bytes = 0;    // that holding it takes
  nanoseconds saves{0};  // of the next call's wait
  double worth_byte_seconds = kWorthByteSeconds;
  double sure = 0;  // of the wait, what a start ahead is to save beyond what it costs
};

// The best plan from an age on.
struct Hold {
  bool held = false;                      // what is there stays …
  nanoseconds until{nanoseconds::max()};  // … until this age
  nanoseconds start{nanoseconds::max()};  // what is not there is to be there by this age; max(): it does not pay
  double chance = 0;                      // that a call comes before `until`, by what is known
};
Hold hold_at(const domain::GapHistogram& own, const domain::GapHistogram& all, const Stake& stake, nanoseconds age);

// What holding on saves for each byte and second that it takes, by the best time to hold on from this age: seconds of a wait. To be compared only (the index of
// Gittins, by which the order of who goes first is the best one for gaps that are known). What is idle for less than kHoldLeast is worth as if its call came
// within that time.
double worth_of(const domain::GapHistogram& own, const domain::GapHistogram& all, const Stake& stake, nanoseconds age);

}  // namespace ebb::control
