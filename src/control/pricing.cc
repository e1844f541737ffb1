// Which price list is in force, and what tenants used of their month: what is free and the steps follow from it.
#include <algorithm>
#include <limits>

#include "base/check.h"
#include "control/stepping.h"
#include "domain/limits.h"

namespace ebb::control {

namespace {

// Names that are made up by callers of a server without keys are kept apart only as long as there is room: past it, nothing is free.
Tally* tally_of(State& state, const std::string& tenant, WallTime at) {
  const auto found = state.tallies.find(tenant);
  if (found == state.tallies.end() && state.tallies.size() >= domain::kTenantsMax)
    std::erase_if(state.tallies, [at](const auto& entry) { return entry.second.month.to <= at; });
  if (found == state.tallies.end() && state.tallies.size() >= domain::kTenantsMax) return nullptr;
  Tally& tally = found == state.tallies.end() ? state.tallies[tenant] : found->second;
  turn_month(tally, at);
  return &tally;
}

constexpr int64_t kAll = std::numeric_limits<int64_t>::max();
constexpr domain::Use kEverything{.mib_ms = kAll, .calls = kAll, .prompt_tokens = kAll, .completion_tokens = kAll};

}  // namespace

void turn_prices(State& state, WallTime wall) {
  auto in_force = state.price_lists.find(state.prices);
  for (auto next = std::next(in_force); next != state.price_lists.end() && next->second.from <= wall; ++next)
    in_force = next;
  state.prices = in_force->first;
}

void price(State& state, const CallState& call, domain::UsageRecord& record) {
  const domain::PriceList& prices = state.price_lists.at(call.prices);
  const domain::Use use = use_of(record);
  Tally* const tally = tally_of(state, record.tenant, record.ended);
  // Nobody pays more than was held for it, however late its worker let go of it.
  record.cost = std::min(cost_of(prices, record.tier, tally == nullptr ? kEverything : tally->use, use), call.reserved);
  record.list_cost = list_cost_of(prices, record.tier, use);
  if (tally != nullptr) tally->use += use;
}

void on_prices_set(Stepping& s, const PricesSet& event) {
  const domain::PriceList& last = s.state.price_lists.rbegin()->second;
  EBB_CHECK(event.prices.version > last.version && (event.prices.from > last.from || last.version == 0) && check_prices(event.prices));
  s.state.price_lists.emplace(event.prices.version, event.prices);
}

void on_prices_removed(Stepping& s, const PricesRemoved& event) {
  EBB_CHECK(event.version > s.state.prices);
  s.state.price_lists.erase(event.version);
}

void on_used_before(Stepping& s, const UsedBefore& event) {
  for (const auto& [tenant, use] : event.of_tenants) {
    if (Tally* const tally = tally_of(s.state, tenant, event.wall)) tally->use += use;
  }
}

}  // namespace ebb::control
