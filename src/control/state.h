// Everything the core knows, as plain values in ordered containers.
//
// Who may change it: control::step alone. Everyone may read it between two steps.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "control/concurrency_policy.h"
#include "control/demand.h"
#include "control/journal.h"
#include "control/keep_policy.h"
#include "control/rate_policy.h"
#include "control/spending_policy.h"
#include "control/wait_policy.h"
#include "control/wait_queue.h"
#include "domain/endpoint.h"
#include "domain/meter.h"
#include "domain/money.h"
#include "domain/usage.h"

namespace ebb::control {

// What the node gives. Constant after construction.
struct NodeConfig {
  uint64_t memory_limit_bytes = 0;                // for all workers together
  uint64_t memory_reserve_bytes = 256ULL << 20U;  // of the machine's available memory: below it there is pressure
  int cores = 1;                                  // for engines
  domain::PriceList prices;                       // version 0: until another list is in force
  uint64_t first_worker_id = 1;
  double worth_byte_seconds = kWorthByteSeconds;  // of a second of a caller's wait: keep_policy.h
  bool operator==(const NodeConfig&) const = default;
};

// A call is in exactly one place: its endpoint's queue, or a worker's running or held ones.
struct CallState {
  std::string endpoint;
  domain::Priority priority = domain::Priority::kNormal;
  std::string tenant;
  int64_t charged = 0;  // to its tenant, since it has a slot
  RevisionId revision;
  MonoTime arrived{};
  MonoTime deadline{};                      // the caller's own
  WallTime wall{};                          // of arrival
  MonoTime due{};                           // waiting: refused then; running: cancelled then; cancelled: its worker is killed then
  domain::Tier tier = domain::Tier::kWarm;  // by what it found when it arrived
  int kills = 0;                            // workers that died while they ran it
  WorkerId worker;                          // 0 while it waits
  MonoTime dispatched{};
  nanoseconds start{0};                // the part of its wait that a start or a wake took
  std::optional<MonoTime> held_since;  // while it is held …
  nanoseconds held{0};                 // … and how long it was before
  nanoseconds ran{0};                  // its share of the worker's time up to its last hold
  std::optional<MonoTime> first_text;
  std::optional<domain::Outcome> cancelled;  // set once a cancel was sent: what it will be recorded as
  bool committed = false;                    // never tried again
  bool answered = false;                     // the caller has an error already
  bool in_demand = true;                     // of its endpoint, which was not removed since
  std::string key;                           // line of keys
  int64_t prices = 0;                        // version of the list that it was accepted by
  domain::Pico reserved = 0;                 // what it may cost at most …
  std::vector<domain::BudgetId> held_in;     // … and the purses that hold as much for it
  bool operator==(const CallState&) const = default;
};

enum class WorkerPhase { kStarting, kReady, kParking, kParked, kWaking };

struct WorkerState {
  std::string endpoint;
  RevisionId revision;
  WorkerPhase phase = WorkerPhase::kStarting;
  bool fresh = true;            // it has never been ready: what wakes it starts its function or model
  bool draining = false;        // takes no new calls; killed when it runs none
  bool killed = false;          // its end is on the way …
  bool end_expected = false;    // … and is no failure of its revision …
  bool ends_gently = false;     // … and takes its time
  bool resizing = false;        // a Resize is on the way …
  int resize_to = 0;            // … to so many slots
  MonoTime grow_after{};        // no Resize and no wake before: the last one was not possible
  MonoTime load_by{};           // the end of its start or wake, however much progress it shows; pauses are added
  int slots = 0;                // that it has; while it starts or wakes: that it will have
  int threads = -1;             // as last told; -1: never
  uint64_t admitted_bytes = 0;  // as estimated when it started, woke or grew
  MonoTime phase_since{};
  MonoTime start_began{};   // of its last start or wake …
  MonoTime ready_at{};      // … and its end
  MonoTime progress{};      // last sign of work, or since when work is due
  MonoTime paused_since{};  // while threads == 0
  MonoTime idle_since{};    // when its last call ended
  std::set<CallId> running;
  std::set<CallId> held;  // began here, and wait for a slot to go on
  AtOnce at_once;         // how many of its slots are used
  domain::BusyMeter meter;
  uint64_t pss_bytes = 0;         // as last measured …
  bool measured = false;          // … as it is now: with these slots
  bool instance = false;          // of a function
  MonoTime due{MonoTime::max()};  // when it is looked at again, or earlier
  std::optional<int> open_as;     // its key in EndpointState::open
  uint64_t counted_bytes = 0;     // its part of State::workers_bytes …
  uint64_t promised_bytes = 0;    // … and of State::promised_bytes
  bool operator==(const WorkerState&) const = default;
};

struct EndpointState {
  domain::Revision revision;                  // the current one
  domain::Scaling scaling;                    // its own, with `min` raised to what is provisioned now
  MonoTime provision_until{MonoTime::max()};  // nothing changes about that before
  WaitQueue waiting;
  std::set<WorkerId> live;                  // those that serve the current revision and will go on to
  std::set<std::pair<int, WorkerId>> open;  // of these, ready ones with a free slot: the fullest first, by minus its calls
  int failures = 0;                         // deaths in a row without a finished call between them
  MonoTime backoff_until{};                 // no start before
  std::string last_failure;
  std::optional<uint64_t> measured_bytes;  // the most that a worker of this revision was seen to take …
  int measured_slots = 0;                  // … with so many slots
  ServiceTime service;                     // of a call in its slot
  StandingQueue standing;                  // whether calls wait too long, and go on coming
  RetryBudget retries;
  nanoseconds start_takes{0};  // of a start from nothing, likewise
  Demand demand;
  MonoTime expected{MonoTime::max()};  // when a worker is to be started for a call that is expected …
  double expected_price = 0;           // … and what a byte was worth to those who would go for it; 0: there was room
  MonoTime last_call{};
  bool prepare = false;        // an instance is to be prepared for the next start, where instances serve it …
  MonoTime prepare_by{};       // … then, even if functions start
  bool no_room_noted = false;  // in the journal, once for each time that memory is short
  Journal journal;
  bool operator==(const EndpointState&) const = default;
};

struct State {
  explicit State(NodeConfig config)
      : node(std::move(config)), next_worker(node.first_worker_id), available_bytes(node.memory_limit_bytes), engine_cores(node.cores) {
    price_lists.emplace(0, node.prices);
  }

  NodeConfig node;
  uint64_t next_worker;
  uint64_t available_bytes;  // of the machine, as last read
  int engine_cores;          // of node.cores: those that other work leaves free, at least 1
  bool draining = false;
  MonoTime drain_until{};
  bool drained_told = false;
  bool store_writable = true;
  std::string store_why;

  std::map<std::string, EndpointState, std::less<>> endpoints;
  std::map<RevisionId, domain::Revision> revisions;  // current ones, and those that a worker still runs
  std::map<WorkerId, WorkerState> workers;
  std::map<CallId, CallState> calls;
  std::set<std::pair<MonoTime, CallId>> due_calls;            // every call by its `due`
  std::set<std::pair<MonoTime, WorkerId>> due_workers;        // those that have one
  uint64_t workers_bytes = 0;                                 // that all workers take …
  uint64_t promised_bytes = 0;                                // … and of it, what was admitted and is not seen yet
  std::set<WorkerId> computing;                               // busy ones that need cores
  std::set<WorkerId> prepared;                                // instances without their function, or about to be
  std::set<std::pair<MonoTime, std::string>> due_endpoints;   // those with `expected`
  std::set<std::pair<MonoTime, std::string>> due_provisions;  // those with `provision_until`
  std::optional<WallTime> wall_at_zero;                       // wall time when MonoTime was zero, by the last reading
  std::map<int64_t, domain::PriceList> price_lists;           // by version, which is the order of their moments
  int64_t prices = 0;                                         // version of the one in force; never goes back
  std::map<std::string, Tally, std::less<>> tallies;
  std::map<std::pair<domain::BudgetOf, std::string>, std::vector<Rate>> rates;  // by whose they are
  std::map<domain::BudgetId, Purse> purses;
  std::map<std::pair<domain::BudgetOf, std::string>, std::set<domain::BudgetId>> purses_of;  // by whose they are
  OthersGaps gaps;                                                                           // of all endpoints together
  std::set<std::string> hungry;                                                              // endpoints with waiting calls, or with too few slots ready
  MonoTime wake{MonoTime::max()};                                                            // as last asked for
  uint64_t rotation = 0;                                                                     // of cores among busy workers
  MonoTime rotate_at{MonoTime::max()};

  uint64_t next_decision = 1;
  Journal elsewhere;  // about names that strangers made up, and endpoints that were removed
  bool operator==(const State&) const = default;
};

}  // namespace ebb::control
