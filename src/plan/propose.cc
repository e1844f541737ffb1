// Each endpoint is replayed alone with each choice, then all of them together with what was chosen.
#include "plan/propose.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "control/keep_policy.h"
#include "wire/quantity.h"

namespace ebb::plan {

namespace {

constexpr std::chrono::minutes kKeeps[] = {std::chrono::minutes(1), std::chrono::minutes(10), std::chrono::minutes(60), std::chrono::minutes(240)};
constexpr int kProvisionedMax = 2;
constexpr double kGib = 1ULL << 30U;
// Where waiting is a smaller part of the cost than this, nothing that is always warm can pay.
constexpr double kWaitingPartMin = 0.1;

struct Choice {
  std::string change;
  domain::Scaling scaling;
};

std::vector<Choice> choices(const domain::Scaling& now, bool waiting_is_dear) {
  std::vector<Choice> all;
  const auto keep = [&](std::optional<milliseconds> time, const std::string& words) {
    if (now.keep == time) return;
    all.push_back({"keep: " + words, now});
    all.back().scaling.keep = time;
  };
  keep(std::nullopt, "auto");
  for (const milliseconds time : kKeeps)
    keep(time, wire::format_duration(time));
  for (int slots = 0; slots <= std::min(kProvisionedMax, now.max); ++slots) {
    if (slots == now.provisioned || (slots > now.provisioned && !waiting_is_dear)) continue;
    all.push_back({fmt::format("provisioned: {}", slots), now});
    all.back().scaling.provisioned = slots;
  }
  return all;
}

double waiting_cost(const Outcome& outcome, double memory_price) { return outcome.waited_s * control::kWorthByteSeconds / kGib / 3600 * memory_price; }

// The calls of each endpoint as a trace of its own, as long as the whole.
std::vector<std::vector<TraceCall>> by_function(Trace& trace) {
  std::vector<std::vector<TraceCall>> calls(trace.functions().size());
  trace.rewind();
  while (std::optional<TraceCall> call = trace.next()) {
    std::vector<TraceCall>& own = calls[call->function];
    call->function = 0;
    own.push_back(*call);
  }
  return calls;
}

Proposal propose_for(Trace& alone, const World& world, const Policy& now, double memory_price) {
  const std::string name = alone.functions().front().name;
  const auto replay_with = [&](const domain::Scaling& scaling) {
    Policy policy = now;
    policy.endpoints[name].scaling = scaling;
    return replay(alone, world, policy);
  };
  const domain::Scaling scaling = now.endpoints.at(name).scaling;
  Proposal proposal{.endpoint = name, .change = {}, .scaling = scaling, .now = replay_with(scaling), .then = {}};
  const double cost = cost_of(proposal.now, memory_price);
  const bool waiting_is_dear = waiting_cost(proposal.now, memory_price) >= kWaitingPartMin * cost;
  proposal.then = proposal.now;
  double best = cost * (1 - kProposedSavingMin);
  for (const Choice& choice : choices(scaling, waiting_is_dear)) {
    Outcome outcome = replay_with(choice.scaling);
    const double costs = cost_of(outcome, memory_price);
    if (outcome.refused > proposal.now.refused || costs >= best) continue;
    best = costs;
    proposal.change = choice.change;
    proposal.scaling = choice.scaling;
    proposal.then = std::move(outcome);
  }
  return proposal;
}

}  // namespace

double cost_of(const Outcome& outcome, double memory_price) {
  return (outcome.idle_gib_min + outcome.busy_gib_min) / 60 * memory_price + waiting_cost(outcome, memory_price);
}

Proposals propose(Trace& trace, const World& world, const Policy& now, double memory_price) {
  Proposals proposals;
  Policy then = now;
  std::vector<std::vector<TraceCall>> calls = by_function(trace);
  for (size_t i = 0; i < calls.size(); ++i) {
    const TraceFunction& function = trace.functions()[i];
    if (calls[i].empty() || !now.endpoints.contains(function.name)) continue;
    Trace alone(trace.layout(), {function}, std::exchange(calls[i], {}), {.begin = trace.begin(), .length = trace.length()});
    proposals.endpoints.push_back(propose_for(alone, world, now, memory_price));
    const Proposal& proposal = proposals.endpoints.back();
    then.endpoints.at(function.name).scaling = proposal.scaling;
  }
  const auto saving = [memory_price](const Proposal& p) { return std::pair(cost_of(p.then, memory_price) - cost_of(p.now, memory_price), p.endpoint); };
  std::ranges::sort(proposals.endpoints, {}, saving);
  proposals.now = replay(trace, world, now);
  then.name = "as proposed";
  proposals.then = replay(trace, world, then);
  return proposals;
}

}  // namespace ebb::plan
