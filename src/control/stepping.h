// What one step works with: the state, the time, and the actions so far. Private to control/.
//
//   step ─► on_…(event)              in arrival.cc, calls.cc and workers.cc: what happened, as it changes the state
//        └► settle                   in settle.cc: what follows: serve the hungry, tend workers, share cores, ask for a wake-up
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "control/action.h"
#include "control/event.h"
#include "control/memory_policy.h"
#include "control/scale_policy.h"
#include "control/state.h"

namespace ebb::control {

struct Why {
  std::string_view what;
  std::string_view endpoint;
  Text because;
  CallId call = {};
  WorkerId worker = {};
  Inputs inputs = {};
};

struct Stepping {
  static constexpr size_t kActionsAsARule = 4;

  State& state;
  MonoTime now;
  Actions actions = {};
  std::vector<WorkerId> touched = {};  // to be looked at before the step ends
  bool memory_moved = false;           // more is taken, or less: pressure is looked at

  DecisionId decide(Why why);
  // After each change of a worker: keeps the indexes in State true, and looks at it before the step ends.
  void touch(WorkerId id);
  template <class A>
  void act(A act, DecisionId decision) {
    if (actions.capacity() == 0) actions.reserve(kActionsAsARule);
    actions.push_back({.act = std::move(act), .decision = decision});
  }
};

// arrival.cc
void on_arrived(Stepping& s, const CallArrived& event);
// A call of an endpoint's queue whose turn it is gets a slot of this worker, which has one free; or is told that it comes too late.
void dispatch_next(Stepping& s, EndpointState& endpoint, WorkerId worker);

// calls.cc
void on_first_text(Stepping& s, const CallFirstText& event);
void on_ended(Stepping& s, const CallEnded& event);
void on_left(Stepping& s, const CallLeft& event);
// An accepted call that waits is over without having run.
void end_waiting(Stepping& s, CallId id, domain::Outcome outcome, Error error, std::string_view what);
// A call that ran in a worker that died: again, or told.
void survive_death(Stepping& s, CallId id, const std::string& reason);
// Everything whose time has come: waits, executions, cancels.
void check_due_calls(Stepping& s);
void set_due(State& state, CallId id, CallState& call, MonoTime due);

// spending.cc: budgets.
// What the call may cost at most, into it, and what it is refused with for that; nullopt: nothing stands against it.
std::optional<Error> reserve(Stepping& s, const domain::Revision& revision, CallState& call, const CallArrived& event);
// The call is accepted: its purses hold what was reserved, until spend().
void hold_reserved(Stepping& s, CallState& call);
void spend(Stepping& s, const CallState& call, domain::Pico cost, WallTime ended);
void on_budget_set(Stepping& s, const BudgetSet& event);
void on_budget_known(Stepping& s, const BudgetKnown& event);
void on_budget_removed(Stepping& s, const BudgetRemoved& event);

// pricing.cc: which prices hold, and what is used of them.
void turn_prices(State& state, WallTime wall);
// Of a call that is paid for: its cost into its record, no more than was reserved, and what it used to its tenant's month.
void price(State& state, const CallState& call, domain::UsageRecord& record);
void on_prices_set(Stepping& s, const PricesSet& event);
void on_prices_removed(Stepping& s, const PricesRemoved& event);
void on_used_before(Stepping& s, const UsedBefore& event);

// rates.cc: limits beside budgets.
std::optional<Error> exceeds_rate(Stepping& s, const CallState& call);
// The call is accepted; and it is over, with its record.
void count_begun(Stepping& s, const CallState& call);
void count_over(Stepping& s, const CallState& call, const domain::UsageRecord& record);
void on_rate_set(Stepping& s, const RateSet& event);
void on_rate_removed(Stepping& s, const RateRemoved& event);

// Whose budget or limit is asked for: the call's tenant, line of keys or endpoint.
std::string_view name_of(domain::BudgetOf of, const CallState& call);

// holding.cc: calls that stand back for others in the middle of their answer.
// Slots of a ready worker that a call may have now.
int free_slots(const WorkerState& worker);
// Whether a held call goes on before a waiting one of this class (nullopt: none waits), and which.
std::optional<CallId> to_resume(const State& state, const WorkerState& worker, std::optional<domain::Priority> waiting, MonoTime now);
void resume(Stepping& s, CallId id);
// Holds a call of this worker for one of that class. False: none may be.
bool hold_for(Stepping& s, const EndpointState& endpoint, WorkerId id, domain::Priority waiting);

// revisions.cc
void on_deployed(Stepping& s, const RevisionDeployed& event);
void on_removed(Stepping& s, const EndpointRemoved& event);
void on_drain(Stepping& s);
// Waiting calls of an endpoint are told that it cannot serve them.
void tell_waiting(Stepping& s, EndpointState& endpoint, domain::Outcome outcome, const Error& error, std::string_view what);
// A revision is kept as long as it is current or a worker still runs it. Calls that wait hold the current one.
void forget_if_unused(State& state, const std::string& name, RevisionId revision);

// workers.cc
void on_ready(Stepping& s, const WorkerReady& event);
void on_parked(Stepping& s, const WorkerParked& event);
void on_died(Stepping& s, const WorkerDied& event);
void on_readings(Stepping& s, const Readings& event);
// A start before a call: why, and what the call is expected by.
struct Ahead {
  std::string_view because;
  Inputs inputs;
};
// 0 slots: only prepared.
void start_worker(Stepping& s, EndpointState& endpoint, int slots, std::optional<Ahead> ahead = std::nullopt);
void wake_worker(Stepping& s, WorkerId id, WorkerState& worker, int slots, std::optional<Ahead> ahead = std::nullopt);
void park_worker(Stepping& s, WorkerId id, WorkerState& worker, Text because);
// `expected`: its death is no failure of the revision.
enum class Ending {
  kGently,  // nobody waits for what it has: a function gets its time to end
  kAtOnce,  // its memory is wanted
  kFault    // it is stuck, or breaks its word: a failure of its revision
};
void kill_worker(Stepping& s, WorkerId id, WorkerState& worker, Ending how, std::string because);

// The worker that serves the endpoint's current revision, or null; where instances serve it, the first of them.
std::pair<const WorkerId, WorkerState>* current_worker(State& state, const EndpointState& endpoint);
bool is_current(const EndpointState& endpoint, const WorkerState& worker);
bool loads(const WorkerState& worker);
// What it takes: as measured, or as admitted where that is not measured yet.
uint64_t bytes_of(const WorkerState& worker);
// It has work that shows progress: calls, a load, another number of slots.
bool busy(const WorkerState& worker);
// An instance without its function, or about to be one.
bool is_prepared(const WorkerState& worker);

// Calls that one takes: without instances one worker takes all.
int calls_per_worker(const EndpointState& endpoint);

// indexes.cc: what State keeps twice, so that a step costs the same with one worker and with thousands.
void index_worker(State& state, WorkerId id, WorkerState& worker);
void forget_worker(State& state, WorkerId id);
void set_due(State& state, WorkerId id, WorkerState& worker, MonoTime due);
void expect(State& state, const std::string& name, EndpointState& endpoint, MonoTime at);

// idle.cc: what becomes of a worker without calls, and when to look again.
IdleChoice idle_choice(const State& state, const EndpointState& endpoint, WorkerId id, const WorkerState& worker, MonoTime now);
// What is lost with one byte of it, for what is saved by it.
double worth_of_keeping(const State& state, const EndpointState& endpoint, WorkerId id, const WorkerState& worker, MonoTime now);
nanoseconds start_takes(const EndpointState& endpoint);

// ahead.cc: starts before a call that is expected.
// After its last worker was given up: for having nothing to do, or for others, to whom a byte of it is worth `price`.
void expect_next(Stepping& s, EndpointState& endpoint, double price = 0);
void start_expected(Stepping& s);
// So many calls more, or less, wait or run.
void count_demand(Stepping& s, EndpointState& endpoint, int by);

// tend.cc
// Looks at those that were touched, and at those whose time has come.
void tend_workers(Stepping& s);
// Hands cores to busy workers.
void share(Stepping& s);

// instances.cc: endpoints that are served by instances. What serve() and friends in settle.cc do for one worker with slots.
bool serve_instances(Stepping& s, EndpointState& endpoint);
struct Capacity {
  int slots = 0;        // of instances that are ready …
  int running = 0;      // … and the calls in them
  bool slowed = false;  // fewer of its slots are used than it has
  bool frozen = false;
};
Capacity capacity_of(const State& state, const EndpointState& endpoint);

// provision.cc: slots that are kept warm at certain times.
void on_clock(Stepping& s, const ClockRead& event);
// After a deployment.
void provision(Stepping& s, const std::string& name, EndpointState& endpoint);
void check_provisions(Stepping& s);
void forget_provision(State& state, const std::string& name, EndpointState& endpoint);

// settle.cc
void settle(Stepping& s);
NodeMemory memory_now(const State& state);
// Something is on its way to free memory: wait for it before giving up more.
bool making_room(const State& state);
// Idle ones that others than `except` could do without: nobody waits for them.
std::vector<Victim> victims_for(const Stepping& s, const std::string& except);
// Given up, it ends; else it parks.
bool ends_when_given_up(const WorkerState& worker);
void give_up(Stepping& s, const Victim& victim, const std::string& because);
Need need_of(const State& state, const EndpointState& endpoint);
// So many slots as fit, up to `wanted`; 0: none now (room is being made, or there is nothing to give up).
int admit(Stepping& s, EndpointState& endpoint, const Need& need, int wanted);

}  // namespace ebb::control
