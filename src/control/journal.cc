// A ring of decisions for each endpoint.
#include "control/journal.h"

#include <algorithm>
#include <cstddef>

#include "domain/limits.h"

namespace ebb::control {

namespace {

constexpr std::ptrdiff_t kSlack = 50;  // kept beyond the bound for a while, never shown
// The core files what is about no endpoint under one name; this holds whatever names it is given.
constexpr size_t kEndpointsMax = domain::kEndpointsMax + 100;

}  // namespace

DecisionId Journal::add(Decision decision) {
  decision.id = DecisionId{next_++};
  const DecisionId id = decision.id;
  if (!by_endpoint_.contains(decision.endpoint) && by_endpoint_.size() >= kEndpointsMax) return id;
  std::vector<Decision>& kept = by_endpoint_[decision.endpoint];
  kept.push_back(std::move(decision));
  // A block at a time: a dispatch must not pay for moving all the others.
  if (kept.size() >= domain::kDecisionsPerEndpointMax + kSlack) kept.erase(kept.begin(), kept.begin() + kSlack);
  return id;
}

std::vector<Decision> Journal::of(const std::string& endpoint) const {
  const auto found = by_endpoint_.find(endpoint);
  if (found == by_endpoint_.end()) return {};
  const std::vector<Decision>& kept = found->second;
  return {kept.end() - static_cast<std::ptrdiff_t>(std::min(kept.size(), domain::kDecisionsPerEndpointMax)), kept.end()};
}

void Journal::forget(const std::string& endpoint) { by_endpoint_.erase(endpoint); }

}  // namespace ebb::control
