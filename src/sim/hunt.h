// Many seeds, on several threads; the outcome is the same however many there are.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "sim/run.h"

namespace ebb::sim {

struct HuntOptions {
  uint64_t first_seed = 1;
  uint64_t seeds = 1;
  int minutes = 1;
  int jobs = 1;
  std::string_view planted;
};

struct Hunt {
  uint64_t seeds = 0;  // that ran: all, or those before the first that failed and itself
  uint64_t events = 0;
  uint64_t calls = 0;
  nanoseconds time{0};  // virtual
  uint64_t hash = 0;    // over all, in the order of seeds
  std::optional<uint64_t> failed_seed;
  RunOutcome failed;
};

// Ends at the lowest seed that fails. `progress` is told from time to time how many seeds are done, on any thread, one at a time.
Hunt hunt(const HuntOptions& options, const std::function<void(uint64_t)>& progress);

// Of the run under way on this thread, for a handler of the end that a failed check of the core brings.
uint64_t seed_at_work();

// What a failed seed's story begins with.
inline constexpr size_t kStoryLines = 60;

}  // namespace ebb::sim
