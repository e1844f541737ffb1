// Budgets: what is held for calls while they are not over, and what they cost in the end. Nothing is spent beyond what is held.
#include <algorithm>

#include "base/check.h"
#include "control/spending_policy.h"
#include "control/stepping.h"
#include "domain/zone.h"

namespace ebb::control {

std::string_view name_of(domain::BudgetOf of, const CallState& call) {
  switch (of) {
    case domain::BudgetOf::kTenant: return call.tenant;
    case domain::BudgetOf::kKey: return call.key;
    case domain::BudgetOf::kEndpoint: return call.endpoint;
  }
  return {};
}

namespace {

template <class Visit>
void each_purse(State& state, const CallState& call, Visit visit) {
  if (state.purses.empty()) return;
  for (const domain::BudgetOf of : domain::kBudgetsOf) {
    const auto ids = state.purses_of.find(std::pair(of, std::string(name_of(of, call))));
    if (ids == state.purses_of.end()) continue;
    for (const domain::BudgetId id : ids->second)
      visit(id, state.purses.at(id));
  }
}

void hold(CallState& call, domain::BudgetId id, Purse& purse) {
  purse.held += call.reserved;
  call.held_in.push_back(id);
}

// Of one that is only told: once for each period.
void tell_if_over(Stepping& s, const std::string& endpoint, Purse& purse) {
  if (purse.budget.hard || purse.told || purse.spent <= purse.budget.amount) return;
  purse.told = true;
  s.decide({.what = "over budget",
            .endpoint = endpoint,
            .because = "more is spent than a budget has that only tells (hard: false)",
            .inputs = {{"budget of", Text(to_string(purse.budget.of))},
                       {"named", std::string(purse.budget.name)},
                       {"has", Money{purse.budget.amount}},
                       {"spent", Money{purse.spent}}}});
}

}  // namespace

std::optional<Error> reserve(Stepping& s, const domain::Revision& revision, CallState& call, const CallArrived& event) {
  const domain::PriceList& prices = s.state.price_lists.at(s.state.prices);
  const nanoseconds left = call.deadline == MonoTime::max() ? nanoseconds::max() : call.deadline - s.now;
  const domain::Use worst = worst_use(revision, left, {.texts = event.texts, .answer_max = event.answer_tokens_max});
  call.prices = prices.version;
  call.reserved = worst_cost_of(prices, worst);
  if (event.max_cost) {
    if (std::optional<Error> error = over_max_cost(*event.max_cost, worst, revision, prices)) return error;
  }
  if (s.state.purses.empty()) return std::nullopt;  // the common case
  std::vector<const Purse*> purses;
  each_purse(s.state, call, [&](domain::BudgetId, Purse& purse) {
    turn_page(purse, call.wall);
    purses.push_back(&purse);
  });
  return over_budget(purses, call.reserved, prices.currency, call.wall);
}

void hold_reserved(Stepping& s, CallState& call) {
  each_purse(s.state, call, [&](domain::BudgetId id, Purse& purse) { hold(call, id, purse); });
}

void spend(Stepping& s, const CallState& call, domain::Pico cost, WallTime ended) {
  EBB_CHECK(cost <= call.reserved);
  for (const domain::BudgetId id : call.held_in) {
    Purse& purse = s.state.purses.at(id);
    turn_page(purse, ended);
    purse.held -= call.reserved;
    purse.spent += cost;
    tell_if_over(s, call.endpoint, purse);
  }
}

void on_budget_set(Stepping& s, const BudgetSet& event) {
  const auto zone = domain::find_zone(event.budget.zone);
  EBB_CHECK(zone);
  const auto [found, is_new] = s.state.purses.try_emplace(event.budget.id);
  Purse& purse = found->second;
  if (!is_new) {
    // Whose it is, and for how long, does not change: that is another budget.
    domain::Budget same = event.budget;
    same.amount = purse.budget.amount;
    same.hard = purse.budget.hard;
    EBB_CHECK(same == purse.budget);
    purse.budget = event.budget;
    return;
  }
  purse.budget = event.budget;
  purse.span = domain::span_of(event.budget.period, **zone, event.wall);
  s.state.purses_of[{event.budget.of, event.budget.name}].insert(event.budget.id);
  for (auto& [id, call] : s.state.calls) {
    if (name_of(event.budget.of, call) == event.budget.name) hold(call, event.budget.id, purse);
  }
}

void on_budget_known(Stepping& s, const BudgetKnown& event) {
  const auto purse = s.state.purses.find(event.budget);
  if (purse == s.state.purses.end() || std::exchange(purse->second.known, true)) return;
  purse->second.spent += event.spent;
}

void on_budget_removed(Stepping& s, const BudgetRemoved& event) {
  const auto purse = s.state.purses.find(event.budget);
  if (purse == s.state.purses.end()) return;
  const auto of = s.state.purses_of.find({purse->second.budget.of, purse->second.budget.name});
  of->second.erase(event.budget);
  if (of->second.empty()) s.state.purses_of.erase(of);
  s.state.purses.erase(purse);
  // A budget that comes later may have the same id: it holds anew for these.
  for (auto& [id, call] : s.state.calls)
    std::erase(call.held_in, event.budget);
}

}  // namespace ebb::control
