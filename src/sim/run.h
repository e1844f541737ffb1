// One seed's run: a world, the core in a node, the checks, the hash; and how a failing one is made small.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/checkers.h"
#include "sim/plan.h"

namespace ebb::sim {

struct RunOptions {
  std::string_view planted;  // empty: none
  size_t story_max = 0;      // events and actions in words that are kept, the last ones
};

struct RunOutcome {
  uint64_t hash = 0;
  uint64_t events = 0;
  uint64_t calls = 0;
  nanoseconds time{0};  // virtual, from the beginning
  std::optional<Broken> broken;
  std::vector<std::string> story;
};

RunOutcome run(const Plan& plan, const RunOptions& options);

// The smallest plan found that breaks the same rule: fewer kinds of faults, fewer endpoints, fewer clients, fewer budgets, rates and price lists.
struct Shrunk {
  Plan plan;
  RunOutcome outcome;
  int runs = 0;
};
Shrunk shrink(const Plan& plan, const RunOutcome& failed, const RunOptions& options);

}  // namespace ebb::sim
