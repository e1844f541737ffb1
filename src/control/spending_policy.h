// What a call may cost at most, and whether that may still be spent. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "domain/budget.h"
#include "domain/endpoint.h"
#include "domain/money.h"

namespace ebb::control {

// Of one budget, in its present period. What is held is the worst case of calls that are accepted and not over; it goes on being held in the next period, since
// what they cost is spent when they end.
struct Purse {
  domain::Budget budget;
  domain::Span span;
  domain::Pico spent = 0;
  domain::Pico held = 0;
  bool known = false;  // what was spent before the server started, or before the budget was set
  bool told = false;   // of one that is not hard: that it is over, in this period
  bool operator==(const Purse&) const = default;
};

// The longest that a call can keep its slot: its time, and what it may take to end then.
nanoseconds longest_run(const domain::Revision& revision, nanoseconds time_left);
// By that time alone in its worker. A call that shares its worker pays a part.
domain::Pico worst_cost(const domain::Revision& revision, nanoseconds time_left, const domain::Prices& prices);

// What a call that may cost so much is refused with; nullopt: it fits into every hard purse.
std::optional<Error> over_budget(const std::vector<const Purse*>& purses, domain::Pico worst, const std::string& currency, WallTime now);
// By its caller's own limit, param "Ebb-Max-Cost".
std::optional<Error> over_max_cost(domain::Pico max_cost, domain::Pico worst, const domain::Revision& revision, const domain::Prices& prices);

// The next period, if it has begun; never back to an earlier one, whatever the clock says. True: it is another one.
bool turn_page(Purse& purse, WallTime now);

}  // namespace ebb::control
