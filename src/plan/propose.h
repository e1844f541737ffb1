// What each endpoint would cost with other settings than it has, on its own calls: a few fixed times of keeping, and a few slots always kept warm, against what
// is there. One measure for all: memory at its price, and a caller's wait at what the policy takes it to be worth (control/keep_policy.h).
#pragma once

#include <string>
#include <vector>

#include "plan/outcome.h"
#include "plan/replay.h"
#include "plan/trace.h"

namespace ebb::plan {

// A change is proposed if it saves at least this part of what an endpoint costs: a trace is one past, and its last percents do not come again.
inline constexpr double kProposedSavingMin = 0.05;

struct Proposal {
  std::string endpoint;
  std::string change;       // "keep: 10m", as it is written under `scaling`; empty: leave it as it is
  domain::Scaling scaling;  // with the change
  Outcome now;              // this endpoint alone
  Outcome then;             // the same where nothing is proposed
};

struct Proposals {
  std::vector<Proposal> endpoints;  // that are called and have settings of their own; the largest saving first
  Outcome now;                      // all endpoints together
  Outcome then;                     // with all changes
};

// USD: memory and waits.
double cost_of(const Outcome& outcome, double memory_price);

// `trace` must list its calls. Rewinds it.
Proposals propose(Trace& trace, const World& world, const Policy& now, double memory_price);

}  // namespace ebb::plan
