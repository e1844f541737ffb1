// The one path for calls, and the verbs of the admin API: what the gateway (and later jobs and triggers) stand on.
//
// Everything here runs on the server's loop. The platform translates: it turns what happens into events of the pure core
// (control/core.h), does what the core's actions say by the fleet, the ledger and the call streams, and decides nothing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "control/journal.h"
#include "control/spending_policy.h"
#include "domain/call.h"
#include "domain/endpoint.h"
#include "domain/model.h"
#include "domain/price_list.h"
#include "domain/rate_limit.h"
#include "domain/usage.h"
#include "invoke/call_stream.h"
#include "io/asio.h"

namespace ebb::invoke {

// Connections of functions outside, since the server started.
struct EgressTotals {
  uint64_t passed = 0;
  uint64_t refused = 0;
  uint64_t failed = 0;
  uint64_t sent_bytes = 0;
  uint64_t received_bytes = 0;
};

// An endpoint as `ebb ps` shows it.
struct EndpointView {
  domain::Revision revision;
  std::string state;     // absent, prepared, starting, ready, parking, parked, draining, failed: of its most useful worker
  bool failing = false;  // its workers died so often in a row that for a while calls are told so
  int slots_busy = 0;
  int slots_ready = 0;
  int waiting = 0;
  uint64_t memory_bytes = 0;    // of its workers, with what their sandboxes hold; 0 when absent
  bool memory_measured = true;  // false: of an instance only that it takes no more than this is known
  std::optional<WallTime> last_call;
  int64_t calls = 0;  // since it was deployed, over restarts
  domain::Pico spent = 0;
  std::optional<EgressTotals> egress;  // of a function that may go out
};

struct DecisionView {
  control::Decision decision;
  WallTime at;
};

// What is known of one call besides its usage record.
struct CallView {
  std::string endpoint;
  std::string state = {};                      // waiting or running; empty: it is over, or was refused
  std::string tenant = {};                     // while it is not over
  nanoseconds age{0};                          // since its arrival, while it is not over
  std::vector<DecisionView> decisions = {};    // about it, newest last
  std::vector<DecisionView> of_endpoint = {};  // about its endpoint and its workers, newest last
};

struct LogLine {
  uint64_t sequence = 0;  // rises by one for each line of the endpoint
  WallTime at;
  std::string text;
};

struct SandboxLayer {
  std::string name;
  bool active = false;
  std::string detail;
};

struct StatusView {
  std::string version;
  std::string home;
  bool ready = false;         // takes calls: started, not draining, store writable
  std::string not_ready_why;  // empty when ready
  std::vector<SandboxLayer> sandbox;
  std::string containers;  // which runtime container functions have and what it holds, or why there is none; empty: not known yet
  uint64_t memory_limit_bytes = 0;
  uint64_t memory_available_bytes = 0;
  uint64_t memory_workers_bytes = 0;
  uint64_t memory_huge_page_bytes = 0;  // what they map in pages of 2 MiB; what two map counts twice
  int cores = 0;
  std::string processors;  // what they do between calls, and why
  bool processors_awake = false;
  int workers = 0;
};

// How much of a limit is used: of what may be used at once.
struct LimitView {
  domain::RateLimit limit;
  int64_t running = 0;  // of concurrency: calls that are not over
  double used = 0;      // past 1: owed
};

class Platform {
 public:
  virtual ~Platform() = default;

  // Starts a call. Refusals that are known at once (no such endpoint, queue full, draining, disk full) come as the error; all others
  // as the stream's Failed event.
  virtual Result<std::shared_ptr<CallStream>> invoke(domain::Call call) = 0;
  // Ids for so many calls that will be invoked with them: the first, and those that follow it.
  virtual CallId reserve_ids(size_t count) = 0;

  // Endpoints. Durable before they return.
  virtual Result<domain::Revision> deploy(domain::EndpointSpec spec) = 0;
  virtual Status remove(const std::string& endpoint) = 0;
  virtual std::vector<EndpointView> endpoints() const = 0;
  virtual Result<EndpointView> endpoint(const std::string& name) const = 0;
  virtual Result<std::vector<DecisionView>> decisions(const std::string& endpoint) const = 0;
  // nullopt: it is over, and the last kDecisionsPerEndpointMax decisions have none about it.
  virtual std::optional<CallView> call(CallId call) const = 0;
  // Lines after `sequence` (0: all that are kept).
  virtual Result<std::vector<LogLine>> log_lines(const std::string& endpoint, uint64_t after) const = 0;

  // Budgets. Who sets one keeps it, and says then what the ledger has of its present period: until it does, calls that it is about are refused. Another
  // amount of one that is there needs no second word.
  virtual void set_budget(const domain::Budget& budget) = 0;
  virtual void budget_known(domain::BudgetId budget, domain::Pico spent) = 0;
  virtual void remove_budget(domain::BudgetId budget) = 0;
  virtual std::vector<control::Purse> purses() const = 0;  // by id, each in its present period

  // Price lists, as the core takes them (control/event.h): versions and moments rise, and none is removed that was in force.
  virtual void set_prices(const domain::PriceList& prices) = 0;
  virtual void remove_prices(int64_t version) = 0;
  // Limits by rate. Another amount of one that is there begins with nothing used.
  virtual void set_limit(const domain::RateLimit& limit) = 0;
  virtual void remove_limit(const domain::RateLimit& limit) = 0;
  virtual std::vector<LimitView> limits() const = 0;

  virtual StatusView status() const = 0;
};

}  // namespace ebb::invoke
