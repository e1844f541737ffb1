// What the core is told. Each event is a value; the shell makes them from what happened and never decides anything itself.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "domain/budget.h"
#include "domain/endpoint.h"
#include "domain/price_list.h"
#include "domain/rate_limit.h"
#include "domain/usage.h"

namespace ebb::control {

// --- calls -----------------------------------------------------------------------------------------------------------------
struct CallArrived {
  CallId call;
  std::string endpoint;
  MonoTime deadline;                              // the caller's own, or MonoTime::max()
  WallTime wall;                                  // for the usage record
  bool alone = false;                             // no other work runs on the machine at this moment
  std::optional<domain::Priority> priority = {};  // absent: the endpoint's
  std::string tenant = {};                        // on whose account
  std::string key = {};                           // and by which line of keys
  std::optional<domain::Pico> max_cost = {};      // refused if it may cost more
  int64_t texts = 1;                              // that become tokens, where the endpoint takes texts
  std::optional<int64_t> answer_tokens_max = {};  // the caller's own bound; absent: up to the context's end
};
struct CallFirstText {
  CallId call;
};
// The worker says that the call's slot is free again. `outcome` is what the worker said (kOk, kFailed, or kRefused with nothing generated);
// the core overrules it when it had cancelled the call.
struct CallEnded {
  CallId call;
  domain::Outcome outcome = domain::Outcome::kOk;
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  MonoTime at = MonoTime::max();  // what it is billed to, if that is before now
};
// What runs it may have acted on it already: it is never run a second time.
struct CallCommitted {
  CallId call;
};
// The client went away; also for calls that still wait.
struct CallLeft {
  CallId call;
};

// --- workers ---------------------------------------------------------------------------------------------------------------
struct WorkerReady {  // sealed and loaded, or unparked, or resized: it now has so many slots
  WorkerId worker;
  int slots = 0;
  bool alone = false;  // as with CallArrived
};
struct WorkerParked {
  WorkerId worker;
};
// Any frame that shows work: load progress, prompt progress, a token.
struct WorkerProgress {
  WorkerId worker;
};
// Process gone (for whatever reason) and all its descriptors closed; or an action for it could not be done, and it was killed.
struct WorkerDied {
  WorkerId worker;
  std::string reason;          // "exit 1", "signal 9", "bad frame: …", "the model does not load: …"
  std::optional<Error> error;  // typed, where the worker said why before it died (a load error)
};

// --- world -----------------------------------------------------------------------------------------------------------------
struct WorkerMemory {
  WorkerId worker;
  uint64_t pss_bytes = 0;  // proportional share of all its memory, mapped weights included; of an instance with what its sandbox holds
};
struct Readings {
  double cores_busy_elsewhere = 0;    // with other work than our workers, lately
  uint64_t node_available_bytes = 0;  // MemAvailable, or the room left in our cgroup, whichever is less
  std::vector<WorkerMemory> workers;
};
// What people's clocks say, for schedules; whenever it is not what it was expected to be.
struct ClockRead {
  WallTime wall;
};
// The usage store takes records, or its disk is full.
struct StoreWritable {
  bool writable = true;
  std::string why;
};
// Replaces the endpoint's former revision.
struct RevisionDeployed {
  domain::Revision revision;
};
struct EndpointRemoved {
  std::string endpoint;
};
// A new budget, or another amount of one that is there. Calls that it is about are refused until BudgetKnown.
struct BudgetSet {
  domain::Budget budget;
  WallTime wall;
};
// What the ledger has of the period in which a budget was set, without calls that were accepted since or not over then. Of no account once another began.
struct BudgetKnown {
  domain::BudgetId budget;
  domain::Pico spent = 0;
};
struct BudgetRemoved {
  domain::BudgetId budget;
};
// A new price list, in force from its moment on. Its version is higher than any before, and its moment later.
struct PricesSet {
  domain::PriceList prices;
};
// Of one that is not in force yet.
struct PricesRemoved {
  int64_t version = 0;
};
// What the ledger has of tenants in the month that has this moment. Before the first call.
struct UsedBefore {
  std::map<std::string, domain::Use> of_tenants;
  WallTime wall;
};
// A new limit, or another amount of one that is there.
struct RateSet {
  domain::RateLimit limit;
};
struct RateRemoved {
  domain::RateLimit limit;  // of which whose, name and what it is of count
};
struct DrainRequested {};
// Asked for with WakeAt.
struct TimeReached {};

using Event = std::variant<CallArrived, CallFirstText, CallCommitted, CallEnded, CallLeft, WorkerReady, WorkerParked, WorkerProgress, WorkerDied, Readings,
                           ClockRead, StoreWritable, RevisionDeployed, EndpointRemoved, BudgetSet, BudgetKnown, BudgetRemoved, PricesSet, PricesRemoved,
                           UsedBefore, RateSet, RateRemoved, DrainRequested, TimeReached>;

}  // namespace ebb::control
