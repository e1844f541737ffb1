// What a seed's world consists of, as values: endpoints, clients, and which kinds of faults there are. Parts can be taken out, and the rest stays
// as it was: that is how a failing world is made small.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/state.h"
#include "domain/budget.h"
#include "domain/endpoint.h"
#include "domain/price_list.h"
#include "domain/rate_limit.h"

namespace ebb::sim {

enum class Fault : uint8_t {
  kSlowLoad,      // a start takes many times as long as others
  kHang,          // a start, wake or call never ends, in silence or with signs of progress
  kCrashAtStart,  // before it is ready, with and without a typed error
  kCrashIdle,
  kCrashRunning,  // before and after the first text
  kPoison,        // a call that ends every worker that runs it
  kLieReady,      // other slots than were asked for, ready twice, ready unasked
  kLieCalls,      // ends twice, ends of calls that do not run, signs of workers that do not live
  kIgnoreCancel,
  kRefuse,     // a resize or a wake for which it has no memory
  kMemory,     // takes more than was admitted
  kStore,      // the usage store's disk fills and empties
  kAvailable,  // the machine's memory is taken by others, and given back
  kCores,      // so are its cores
  kDeploy,     // revisions replace each other under load
  kRemove,     // and endpoints go
  kStall,      // what a worker says comes late, all at once
  kWall,       // the wall clock jumps by an hour
};
inline constexpr int kFaults = 18;
std::string_view to_string(Fault fault);

struct Faults {
  uint32_t bits = 0;
  bool has(Fault fault) const { return (bits >> static_cast<unsigned>(fault) & 1U) != 0; }
  void add(Fault fault) { bits |= 1U << static_cast<unsigned>(fault); }
  void remove(Fault fault) { bits &= ~(1U << static_cast<unsigned>(fault)); }
};

enum class Serves { kText, kEcho, kFunction };

struct EndpointPlan {
  uint64_t seed = 0;  // of its own streams
  std::string name;
  Serves serves = Serves::kText;
  int calls_per_instance = 0;
  domain::Scaling scaling;
  domain::CallLimits limits;
  domain::Priority priority = domain::Priority::kNormal;
  uint64_t weights_bytes = 0;
  int64_t memory_mib = 0;
  nanoseconds load{0};     // what a start takes, as a rule …
  nanoseconds service{0};  // … and a call
};

enum class Rhythm { kPeriodic, kRandom, kBursts };

struct ClientPlan {
  uint64_t seed = 0;
  std::string endpoint;
  Rhythm rhythm = Rhythm::kPeriodic;
  nanoseconds every{0};
  int burst = 1;
  int leaves_percent = 0;
  int deadline_percent = 0;
  bool retries = false;
  std::optional<domain::Priority> priority;
  std::string tenant;
  std::string key;
  int max_cost_percent = 0;   // of its calls say what they may cost at most …
  domain::Pico max_cost = 0;  // … namely this
};

struct BudgetPlan {
  domain::Budget budget;
  nanoseconds set_at{0};       // all since the beginning …
  nanoseconds known_after{0};  // … but this, since it is set; 0: in the same breath
  domain::Pico before = 0;     // what the ledger has of it then
  std::optional<nanoseconds> changes_at;
  domain::Pico then_amount = 0;
  bool then_hard = true;
  std::optional<nanoseconds> removed_at;
  std::optional<nanoseconds> returns_at;  // the same one, as it was first
};

struct PricesPlan {
  domain::PriceList list;
  nanoseconds set_at{0};  // since the beginning, as below
};

struct RatePlan {
  domain::RateLimit limit;
  nanoseconds set_at{0};
  std::optional<nanoseconds> removed_at;
};

struct Plan {
  uint64_t seed = 0;
  control::NodeConfig config;
  uint64_t available_bytes = 0;
  nanoseconds readings_every = seconds(1);
  nanoseconds faults_for{0};  // from the beginning; clients end with them
  Faults faults;
  std::vector<EndpointPlan> endpoints;
  std::vector<ClientPlan> clients;
  std::vector<BudgetPlan> budgets;
  std::vector<PricesPlan> prices;
  domain::Use used_before;  // by each tenant, in the month in which it begins
  std::vector<RatePlan> rates;
  WallTime wall{std::chrono::days(20'000)};  // in the beginning
};

Plan make_plan(uint64_t seed, nanoseconds faults_for);
// plan_budgets.cc: in some worlds whose clients have tenants there are budgets, and a period ends before the faults do.
void add_budgets(Plan& plan);
// plan_prices.cc: in some there are price lists, and limits by rate.
void add_prices(Plan& plan);

// As it is deployed; `id` also chooses what differs between two revisions of it.
domain::Revision revision_of(const EndpointPlan& plan, RevisionId id);
// What one worker of it takes with so many slots (an instance: always one).
uint64_t bytes_with(const domain::Revision& revision, int slots);

}  // namespace ebb::sim
