// What one policy makes of a trace: the same figures for all of them, so that they can stand in one table.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "plan/trace_call.h"

namespace ebb::plan {

// What a plan assumes where the trace says nothing, and what all policies are given alike.
struct World {
  nanoseconds start = seconds(1);           // of an instance, from nothing to its first call
  nanoseconds service = milliseconds(100);  // of a call of which the trace says neither how long it runs nor how many tokens it has
  double prompt_tokens_s = 2'000;           // read in a second, by one call …
  double answer_tokens_s = 50;              // … and written
  int64_t memory_mib = 256;                 // of an instance of which the trace does not say what it takes
  int calls_per_instance = 64;              // as of a function that speaks HTTP
  uint64_t memory_cap_bytes = 1ULL << 50U;  // for all instances together; the default is none
};

// How long a call runs in its slot.
nanoseconds service_of(const World& world, const TraceCall& call);
// What an instance of the function takes: by the trace, else by the world.
uint64_t bytes_of(const World& world, const TraceFunction& function);
nanoseconds start_of(const World& world, const TraceFunction& function);
int calls_per_instance(const World& world, const TraceFunction& function);

// Memory held at one moment of a plan, and what of it worked.
struct Moment {
  double held_gib = 0;
  double busy_gib = 0;
};

struct Outcome {
  std::string policy;
  uint64_t calls = 0;
  uint64_t cold = 0;        // starts of instances that a call waited for
  uint64_t waiting = 0;     // calls that found no instance that was ready or frozen
  uint64_t in_vain = 0;     // starts before a call, and none came
  uint64_t refused = 0;     // or not served in time
  double waited_s = 0;      // all calls together
  double busy_gib_min = 0;  // memory of instances while they served, in GiB × minutes
  double call_gib_s = 0;    // memory of each call while it ran, which is what is billed by the call
  double idle_gib_min = 0;  // and of instances while they did not
  double instance_s = 0;    // instances × seconds; of Ebb, without sandboxes that have no function yet
  double peak_gib = 0;
  std::vector<Moment> over_time;  // kMoments of them, evenly over the trace
};
inline constexpr int kMoments = 288;

inline double waiting_share(const Outcome& outcome) {
  return outcome.calls == 0 ? 0 : static_cast<double>(outcome.waiting) / static_cast<double>(outcome.calls);
}

}  // namespace ebb::plan
