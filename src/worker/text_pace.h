// When a worker tells the server what its calls say.
//
// A write wakes the server, and that its client: for one stream of a small model a thirtieth of both processors' time, if each token had its own. The first
// text of an answer and its end go out at once. Text in between may wait a moment for more, and then all of it goes out in one write; nobody reads faster.
#pragma once

#include <cstddef>

#include "base/time.h"

namespace ebb::worker {

// No text is told later than that after the one before it, for its own part: half of the time that a screen shows one picture.
inline constexpr nanoseconds kTextEvery{8'000'000};
inline constexpr size_t kWaitingTextMax = size_t{64} << 10U;

// What a step brought, after it.
struct StepSaid {
  bool only_more_text = false;  // of answers that have begun
  nanoseconds took{0};
  nanoseconds since_told{0};
  size_t bytes = 0;  // that wait, these included
};

// Whether it waits for the next step, which is taken to last as long as this one. Pure.
constexpr bool waits_for_more(const StepSaid& said) {
  return said.only_more_text && said.bytes <= kWaitingTextMax && said.since_told + said.took <= kTextEvery;
}

}  // namespace ebb::worker
