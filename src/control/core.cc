// One event, then what follows from it.
#include "control/core.h"

#include <algorithm>

#include "base/check.h"
#include "base/overload.h"
#include "control/stepping.h"

namespace ebb::control {

DecisionId Stepping::decide(Why why) {
  const DecisionId id{state.next_decision++};
  // Names that strangers make up, and endpoints that were removed, share one journal: they must not crowd out those that live.
  const auto endpoint = state.endpoints.find(why.endpoint);
  Journal& journal = endpoint == state.endpoints.end() ? state.elsewhere : endpoint->second.journal;
  journal.add(
      {.id = id, .at = now, .call = why.call, .worker = why.worker, .what = why.what, .because = std::move(why.because), .inputs = std::move(why.inputs)});
  return id;
}

Actions step(State& state, const Event& event, MonoTime now, Rng&) {
  Stepping s{.state = state, .now = now};
  std::visit(Overload{
                 [&](const CallArrived& e) { on_arrived(s, e); },
                 [&](const CallFirstText& e) { on_first_text(s, e); },
                 [&](const CallCommitted& e) {
                   if (const auto call = state.calls.find(e.call); call != state.calls.end()) call->second.committed = true;
                 },
                 [&](const CallEnded& e) { on_ended(s, e); },
                 [&](const CallLeft& e) { on_left(s, e); },
                 [&](const WorkerReady& e) { on_ready(s, e); },
                 [&](const WorkerParked& e) { on_parked(s, e); },
                 [&](const WorkerProgress& e) {
                   if (const auto worker = state.workers.find(e.worker); worker != state.workers.end()) worker->second.progress = now;
                 },
                 [&](const WorkerDied& e) { on_died(s, e); },
                 [&](const Readings& e) { on_readings(s, e); },
                 [&](const ClockRead& e) { on_clock(s, e); },
                 [&](const StoreWritable& e) {
                   state.store_writable = e.writable;
                   state.store_why = e.why;
                 },
                 [&](const RevisionDeployed& e) { on_deployed(s, e); },
                 [&](const EndpointRemoved& e) { on_removed(s, e); },
                 [&](const BudgetSet& e) { on_budget_set(s, e); },
                 [&](const BudgetKnown& e) { on_budget_known(s, e); },
                 [&](const BudgetRemoved& e) { on_budget_removed(s, e); },
                 [&](const PricesSet& e) { on_prices_set(s, e); },
                 [&](const PricesRemoved& e) { on_prices_removed(s, e); },
                 [&](const UsedBefore& e) { on_used_before(s, e); },
                 [&](const RateSet& e) { on_rate_set(s, e); },
                 [&](const RateRemoved& e) { on_rate_removed(s, e); },
                 [&](const DrainRequested&) { on_drain(s); },
                 [&](const TimeReached&) {},
             },
             event);
  settle(s);
  return std::move(s.actions);
}

}  // namespace ebb::control
