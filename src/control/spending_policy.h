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
#include "domain/price_list.h"

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
// What is known of a call's tokens before it begins: how many texts it has, and how many tokens an answer may have.
struct TokenBounds {
  int64_t texts = 1;
  std::optional<int64_t> answer_max;
};
// The most that a call can use: by that time alone in its worker (who shares it pays a part), and with each text as long as the model takes.
domain::Use worst_use(const domain::Revision& revision, nanoseconds time_left, const TokenBounds& tokens);

// What a call that may cost so much is refused with; nullopt: it fits into every hard purse.
std::optional<Error> over_budget(const std::vector<const Purse*>& purses, domain::Pico worst, const std::string& currency, WallTime now);
// By its caller's own limit, param "Ebb-Max-Cost".
std::optional<Error> over_max_cost(domain::Pico max_cost, const domain::Use& worst, const domain::Revision& revision, const domain::PriceList& prices);

// The next period, if it has begun; never back to an earlier one, whatever the clock says. True: it is another one.
bool turn_page(Purse& purse, WallTime now);

// What a tenant used of a month of the UTC calendar: what is free of it, and the step, follow from it.
struct Tally {
  domain::Span month;
  domain::Use use;
  bool operator==(const Tally&) const = default;
};
// In the month that has this moment, or a later one if the clock was set back.
void turn_month(Tally& tally, WallTime at);

}  // namespace ebb::control
