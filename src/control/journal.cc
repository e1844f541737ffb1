// A ring of decisions for each endpoint.
#include "control/journal.h"

#include "domain/limits.h"

namespace ebb::control {

namespace {

// Calls for endpoints that do not exist are refused with a decision too: names that strangers make up must not fill the memory.
constexpr size_t kEndpointsMax = domain::kEndpointsMax + 100;

}  // namespace

DecisionId Journal::add(Decision decision) {
  decision.id = DecisionId{next_++};
  const DecisionId id = decision.id;
  if (!by_endpoint_.contains(decision.endpoint) && by_endpoint_.size() >= kEndpointsMax) return id;
  std::vector<Decision>& kept = by_endpoint_[decision.endpoint];
  kept.push_back(std::move(decision));
  if (kept.size() > domain::kDecisionsPerEndpointMax) kept.erase(kept.begin());
  return id;
}

std::vector<Decision> Journal::of(const std::string& endpoint) const {
  const auto found = by_endpoint_.find(endpoint);
  if (found == by_endpoint_.end()) return {};
  return found->second;
}

void Journal::forget(const std::string& endpoint) { by_endpoint_.erase(endpoint); }

}  // namespace ebb::control
