// What can be known from outside about calls, workers and endpoints: kept by Checkers from events and actions alone, never from the core's state.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "domain/budget.h"
#include "domain/endpoint.h"
#include "domain/price_list.h"
#include "domain/rate_limit.h"

namespace ebb::sim {

// The rule of the bill, computed once more: equal shares of each stretch of time, the remainder one nanosecond each to the lowest ids.
class SharedTime {
 public:
  void enter(CallId call, MonoTime now);
  nanoseconds leave(CallId call, MonoTime now);
  size_t size() const { return shares_.size(); }
  bool empty() const { return shares_.empty(); }
  bool has(CallId call) const;
  const std::vector<std::pair<CallId, nanoseconds>>& shares() const { return shares_; }  // by id

 private:
  void pass(MonoTime now);

  std::vector<std::pair<CallId, nanoseconds>> shares_;
  MonoTime last_{};
};

struct CallBook {
  std::string endpoint;
  domain::Priority priority = domain::Priority::kNormal;
  std::string tenant;
  std::string key;
  int64_t prices = 0;      // version of the list that it came under
  domain::Pico worst = 0;  // that it may cost
  RevisionId revision;     // that it runs in
  MonoTime arrived{};
  MonoTime deadline{};
  WallTime wall{};
  nanoseconds wait_max{0};
  MonoTime due{};   // when something must have been done about it
  WorkerId worker;  // 0: waits
  nanoseconds share{0};
  MonoTime dispatched{};
  std::optional<MonoTime> held_since;
  nanoseconds held{0};
  int kills = 0;
  bool no_second_try = false;  // it gave text, or may have had an effect
  bool answered = false;
  std::optional<MonoTime> cancelled;
};

enum class Phase { kStarting, kReady, kParking, kParked, kWaking };

struct WorkerBook {
  std::string endpoint;
  RevisionId revision;
  bool instance = false;
  bool fresh = true;
  bool draining = false;
  bool killed = false;
  bool gently = false;
  bool resizing = false;
  Phase phase = Phase::kStarting;
  int slots = 0;  // that it said …
  int asked = 0;  // … and that it was asked for, at its last start or wake
  int threads = 0;
  MonoTime since{};         // of the phase …
  MonoTime resize_since{};  // … and of the last resize
  MonoTime progress{};      // last sign of it
  uint64_t reading_bytes = 0;
  SharedTime running;
  std::set<CallId> held;

  bool loads() const { return phase == Phase::kStarting || phase == Phase::kWaking; }
};

struct EndpointBook {
  domain::Revision revision;
  std::map<std::pair<domain::Priority, std::string>, std::deque<CallId>> lines;  // of each tenant; may begin with calls that wait no longer
  std::map<domain::Priority, int> waits;                                         // how many, by class
  int waiting = 0;                                                               // in all
  int failures = 0;                                                              // deaths that nobody asked for, in a row
  MonoTime no_start_before{};
};

struct BudgetBook {
  domain::Budget budget;
  int64_t period = 0;      // the latest that any of its calls came or ended in, counted from the beginning of time
  domain::Pico spent = 0;  // in that, by usage records and by what was before
  domain::Pico held = 0;   // what its calls that wait and run may still cost
  bool known = false;      // what was before
  bool exceeded = false;   // by another amount, or by what was before: it is not by calls, and no more may come

  bool is_over() const { return spent > budget.amount || held > budget.amount - spent; }
};

// What a tenant used of a month.
struct TallyBook {
  int64_t month = 0;
  domain::Use used;
};

struct RateBook {
  domain::RateLimit limit;
  MonoTime at{};  // of `used`, in amount × ns
  __extension__ __int128 used = 0;
  __extension__ __int128 rounding = 0;  // what the core may have rounded away since it was empty
  int64_t running = 0;
};

}  // namespace ebb::sim
