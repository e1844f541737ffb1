// What calls cost and what budgets have, by own books. The rules of spending, written once more:
//
//   what a call may cost   its time from its arrival on (an instance's last word too) and five seconds to end it, all of it alone in its worker
//   what it costs          the price of its share (checkers_prices.cc), if it ran and was no fault of the platform's; never more than it might
//   of a budget, always    what is spent in its present period, and what its calls that are not over may cost, is no more than its amount
//
// A call that fits into each of its budgets is let in, and no other.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "sim/checkers.h"

namespace ebb::sim {

namespace {

constexpr seconds kTimeToEnd{5};
constexpr milliseconds kTimeForLastWord{500};
constexpr std::string_view kOver = "insufficient_quota";
constexpr std::string_view kHeld = "budget_held";
constexpr std::string_view kUnknown = "budget_unknown";

int64_t number_of(domain::Period period, WallTime wall) {
  switch (period) {
    case domain::Period::kHour: return std::chrono::floor<std::chrono::hours>(wall.time_since_epoch()).count();
    case domain::Period::kDay: return std::chrono::floor<std::chrono::days>(wall.time_since_epoch()).count();
    case domain::Period::kMonth: {
      const std::chrono::year_month_day day{std::chrono::sys_days(std::chrono::floor<std::chrono::days>(wall.time_since_epoch()))};
      return int64_t{static_cast<int>(day.year())} * 12 + static_cast<unsigned>(day.month());
    }
    case domain::Period::kTotal: break;
  }
  return 0;
}

// The next period, if it has begun; a clock that is set back ends none.
void turn(BudgetBook& book, WallTime wall) {
  const int64_t period = number_of(book.budget.period, wall);
  if (period <= book.period) return;
  book.period = period;
  book.spent = 0;
  book.known = true;  // all that is spent in it comes after the budget was set
  book.exceeded = book.exceeded && book.is_over();
}

// Of an event, a call or a record.
template <class C>
bool is_of(const domain::Budget& budget, const C& call) {
  switch (budget.of) {
    case domain::BudgetOf::kTenant: return budget.name == call.tenant;
    case domain::BudgetOf::kKey: return budget.name == call.key;
    case domain::BudgetOf::kEndpoint: return budget.name == call.endpoint;
  }
  return false;
}

bool is_for_budget(const Error& error) { return error.code == kOver || error.code == kHeld || error.code == kUnknown; }

// Others are refused before anybody looks at their budgets.
bool budgets_were_looked_at(const Error* refused) {
  return refused == nullptr || is_for_budget(*refused) || refused->kind == ErrorKind::kOverloaded || refused->kind == ErrorKind::kTimeout;
}

bool is_paid_for(domain::Outcome outcome) { return outcome != domain::Outcome::kRefused && outcome != domain::Outcome::kFault; }

}  // namespace

domain::Pico Checkers::worst_of(const domain::Revision& revision, MonoTime deadline, const domain::PriceList& list) const {
  nanoseconds time = revision.spec.limits.time;
  if (revision.by_instances()) time += kTimeForLastWord;
  if (deadline != MonoTime::max()) time = std::min(time, std::max(deadline - now_, nanoseconds(0)));
  return worst_price(revision, std::chrono::ceil<milliseconds>(time + kTimeToEnd).count(), list);
}

Checkers::Room Checkers::room_for(const control::CallArrived& event, domain::Pico worst) {
  Room room;
  for (auto& [id, book] : budgets_) {
    if (!is_of(book.budget, event)) continue;
    turn(book, event.wall);
    if (!book.budget.hard) continue;
    const domain::Pico left = book.budget.amount - book.spent;
    room.unknown = room.unknown || !book.known;
    room.over = room.over || worst > left;
    room.held = room.held || (worst <= left && book.held > left - worst);
  }
  return room;
}

void Checkers::check_budgets(const control::CallArrived& event, domain::Pico worst, const Error* refused) {
  const bool too_dear = event.max_cost && worst > *event.max_cost;
  const bool told_too_dear = refused != nullptr && refused->param == "Ebb-Max-Cost";
  if (too_dear ? refused == nullptr : told_too_dear)
    fail("max cost", fmt::format("call {} may cost {}, its caller allows {}, and it is {}", event.call.value, domain::format_money(worst),
                                 event.max_cost ? domain::format_money(*event.max_cost) : "anything", refused == nullptr ? "accepted" : "refused for that"));
  if ((budgets_.empty() && (refused == nullptr || !is_for_budget(*refused))) || !budgets_were_looked_at(refused)) return;
  const Room room = room_for(event, worst);
  if (refused == nullptr) {
    if (room.unknown || room.over || room.held)
      fail("budget", fmt::format("call {} is accepted, may cost {}, and {}", event.call.value, domain::format_money(worst),
                                 room.unknown ? "what was spent of a budget is not known" : "does not fit into a budget"));
    for (auto& [id, book] : budgets_)
      if (is_of(book.budget, event)) book.held += worst;
  } else if (is_for_budget(*refused)) {
    const bool rightly = refused->code == kOver ? room.over : refused->code == kHeld ? room.held : room.unknown;
    if (!rightly)
      fail("false refusal",
           fmt::format("call {} may cost {}, and is refused without need: {}", event.call.value, domain::format_money(worst), refused->message));
  }
}

void Checkers::check_cost(const domain::UsageRecord& record, const CallBook& call, bool ran) {
  if (record.tenant != call.tenant || record.key != call.key)
    fail("bill",
         fmt::format("call {} is billed to '{}' by '{}', and came from '{}' by '{}'", record.call.value, record.tenant, record.key, call.tenant, call.key));
  const bool paid = ran && is_paid_for(record.outcome) && (record.outcome == domain::Outcome::kOk || record.busy.count() > 0);
  const int64_t billed_ms = paid ? std::chrono::ceil<milliseconds>(record.busy).count() : 0;
  const domain::Pico cost = paid ? std::min(price_of(record, call), call.worst) : 0;
  if (record.prices != call.prices || (paid && record.memory_mib != memory_mib_[call.revision]))
    fail("bill",
         fmt::format("call {} is billed by price list {} for {} MiB, and came under {}", record.call.value, record.prices, record.memory_mib, call.prices));
  if (record.billed_ms != billed_ms || record.cost != cost)
    fail("cost", fmt::format("call {} is billed for {} ms and {}, it ran for {} ms that are paid for, and costs {}: at most {}", record.call.value,
                             record.billed_ms, domain::format_money(record.cost), billed_ms, domain::format_money(cost), domain::format_money(call.worst)));
}

void Checkers::spend(const domain::UsageRecord& record, const CallBook& call) {
  for (auto& [id, book] : budgets_) {
    if (!is_of(book.budget, call)) continue;
    turn(book, record.ended);
    book.held -= call.worst;
    book.spent += record.cost;
    book.exceeded = book.exceeded && book.is_over();
    if (book.budget.hard && !book.exceeded && book.is_over())
      fail("budget", fmt::format("call {} costs {}, and budget {} has {}: {} are spent, {} are held", record.call.value, domain::format_money(record.cost),
                                 id.value, domain::format_money(book.budget.amount), domain::format_money(book.spent), domain::format_money(book.held)));
  }
}

void Checkers::told(const control::BudgetSet& event) {
  const auto [found, is_new] = budgets_.try_emplace(event.budget.id);
  BudgetBook& book = found->second;
  book.budget = event.budget;
  if (is_new) {
    book.period = number_of(event.budget.period, event.wall);
    for (const auto& [id, call] : calls_)
      if (is_of(event.budget, call)) book.held += call.worst;
  }
  book.exceeded = book.is_over();
}

void Checkers::told(const control::BudgetKnown& event) {
  const auto found = budgets_.find(event.budget);
  if (found == budgets_.end() || found->second.known) return;
  found->second.known = true;
  found->second.spent += event.spent;
  found->second.exceeded = found->second.is_over();
}

void Checkers::told(const control::BudgetRemoved& event) { budgets_.erase(event.budget); }

}  // namespace ebb::sim
