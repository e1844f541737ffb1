// Limits by rate of tenants, keys and endpoints: looked at when a call comes, used up when it is accepted and when it is over.
#include <algorithm>

#include "control/rate_policy.h"
#include "control/stepping.h"

namespace ebb::control {

namespace {

template <class Visit>
void each_rate(State& state, const CallState& call, Visit visit) {
  if (state.rates.empty()) return;  // the common case
  for (const domain::BudgetOf whose : domain::kBudgetsOf) {
    const auto found = state.rates.find(std::pair(whose, std::string(name_of(whose, call))));
    if (found == state.rates.end()) continue;
    for (Rate& rate : found->second)
      visit(rate);
  }
}

// Once, until it is within its limit again.
void tell_if_too_fast(Stepping& s, const CallState& call, Rate& rate) {
  const bool over = rate.full_at - s.now >= rate.limit.per;
  if (over && !rate.told)
    s.decide({.what = "spending too fast",
              .endpoint = call.endpoint,
              .because = "more is spent than a limit of spending lets through: further calls are refused until that is made up for",
              .inputs = {{"limit of", Text(to_string(rate.limit.whose))},
                         {"named", std::string(rate.limit.name)},
                         {"lets through", format_rate(rate.limit)},
                         {"within it again in", rate.full_at - rate.limit.per - s.now}}});
  rate.told = over;
}

std::vector<Rate>::iterator find_rate(std::vector<Rate>& rates, domain::RateOf of) {
  return std::ranges::find_if(rates, [of](const Rate& rate) { return rate.limit.of == of; });
}

}  // namespace

std::optional<Error> exceeds_rate(Stepping& s, const CallState& call) {
  std::vector<const Rate*> rates;
  each_rate(s.state, call, [&](const Rate& rate) { rates.push_back(&rate); });
  return rates.empty() ? std::nullopt : over_rate(rates, s.now);
}

void count_begun(Stepping& s, const CallState& call) {
  each_rate(s.state, call, [&](Rate& rate) {
    if (rate.limit.of == domain::RateOf::kRequests) use_up(rate, 1, s.now);
    if (rate.limit.of == domain::RateOf::kConcurrency) ++rate.running;
  });
}

void count_over(Stepping& s, const CallState& call, const domain::UsageRecord& record) {
  each_rate(s.state, call, [&](Rate& rate) {
    switch (rate.limit.of) {
      case domain::RateOf::kRequests: break;
      case domain::RateOf::kTokens: use_up(rate, domain::saturated_sum(record.prompt_tokens, record.completion_tokens), s.now); break;
      case domain::RateOf::kConcurrency: --rate.running; break;
      case domain::RateOf::kSpending:
        use_up(rate, record.cost, s.now);
        tell_if_too_fast(s, call, rate);
        break;
    }
  });
}

void on_rate_set(Stepping& s, const RateSet& event) {
  std::vector<Rate>& rates = s.state.rates[{event.limit.whose, event.limit.name}];
  auto found = find_rate(rates, event.limit.of);
  if (found == rates.end()) found = rates.insert(rates.end(), Rate{});
  // What was used of another amount is not used of this one.
  *found = Rate{.limit = event.limit, .full_at = s.now};
  if (event.limit.of != domain::RateOf::kConcurrency) return;
  found->running = std::ranges::count_if(s.state.calls, [&](const auto& entry) { return name_of(event.limit.whose, entry.second) == event.limit.name; });
}

void on_rate_removed(Stepping& s, const RateRemoved& event) {
  const auto rates = s.state.rates.find({event.limit.whose, event.limit.name});
  if (rates == s.state.rates.end()) return;
  if (const auto found = find_rate(rates->second, event.limit.of); found != rates->second.end()) rates->second.erase(found);
  if (rates->second.empty()) s.state.rates.erase(rates);
}

}  // namespace ebb::control
