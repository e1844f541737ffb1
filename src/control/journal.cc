// Two rings, put into the order of their ids when they are read.
#include "control/journal.h"

#include <algorithm>
#include <utility>

#include "domain/limits.h"

namespace ebb::control {

void Journal::add(Decision decision) { add(decision.call ? calls_ : others_, std::move(decision)); }

void Journal::add(Ring& ring, Decision decision) {
  if (ring.kept.size() < domain::kDecisionsPerEndpointMax) return ring.kept.push_back(std::move(decision));
  ring.kept[ring.oldest] = std::move(decision);
  ring.oldest = (ring.oldest + 1) % ring.kept.size();
}

std::vector<Decision> Journal::all() const {
  std::vector<Decision> all = calls_.kept;
  all.insert(all.end(), others_.kept.begin(), others_.kept.end());
  std::ranges::sort(all, {}, &Decision::id);
  return all;
}

std::vector<Decision> Journal::of(CallId call) const {
  std::vector<Decision> found;
  std::ranges::copy_if(calls_.kept, std::back_inserter(found), [&](const Decision& decision) { return decision.call == call; });
  std::ranges::sort(found, {}, &Decision::id);
  return found;
}

}  // namespace ebb::control
