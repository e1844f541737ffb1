// Sums, and sentences about them.
#include "control/spending_policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "control/failure_policy.h"
#include "domain/zone.h"

namespace ebb::control {

namespace {

// A call that ends gives back what it held, and most calls take much less than their worst case.
constexpr milliseconds kHeldForLeast{1000};

std::string moment(const domain::Budget& budget, WallTime at) {
  const auto zone = domain::find_zone(budget.zone);
  EBB_CHECK(zone);  // it was found when the budget was set
  return domain::shown_in(**zone, at);
}

std::string whose(const domain::Budget& budget) {
  const std::string_view period = to_string(budget.period);
  return fmt::format("{} '{}' {}", to_string(budget.of), budget.name, budget.period == domain::Period::kTotal ? "in all" : fmt::format("for this {}", period));
}

}  // namespace

nanoseconds longest_run(const domain::Revision& revision, nanoseconds time_left) {
  const nanoseconds last_word = revision.by_instances() ? nanoseconds(kFunctionLastWordMax) : nanoseconds(0);
  return std::min<nanoseconds>(std::max(time_left, nanoseconds(0)), revision.spec.limits.time + last_word) + kCancelMax;
}

domain::Use worst_use(const domain::Revision& revision, nanoseconds time_left, const TokenBounds& tokens) {
  const int64_t context = revision.context_tokens;
  return {.mib_ms = domain::mib_milliseconds(domain::billed_milliseconds(longest_run(revision, time_left)), revision.memory_mib),
          .calls = 1,
          .prompt_tokens = domain::saturated_product(context, tokens.texts),
          .completion_tokens = std::clamp<int64_t>(tokens.answer_max.value_or(context), 0, context)};
}

std::optional<Error> over_budget(const std::vector<const Purse*>& purses, domain::Pico worst, const std::string& currency, WallTime now) {
  for (const Purse* const purse : purses) {
    const domain::Budget& budget = purse->budget;
    if (!budget.hard) continue;
    if (!purse->known)
      return Error{.kind = ErrorKind::kUnavailable,
                   .message = fmt::format("what was spent of the budget of {} is being counted", whose(budget)),
                   .code = std::string(domain::kBudgetUnknown),
                   .retry_after = kHeldForLeast};
    // The differences cannot overflow: none of the three is below zero.
    const domain::Pico left = std::max<domain::Pico>(budget.amount - purse->spent, 0);
    if (worst <= left && purse->held <= left - worst) continue;
    const bool held_only = worst <= left;
    Error error{.kind = ErrorKind::kQuota,
                .message = fmt::format("the budget of {} is {} {}: {} are spent, {} are held for calls that run, and this call may cost up to {}",
                                       whose(budget), domain::format_money(budget.amount), currency, domain::format_money(purse->spent),
                                       domain::format_money(purse->held), domain::format_money(worst)),
                .code = std::string(held_only ? domain::kBudgetHeld : domain::kOverBudget)};
    if (held_only) {
      error.retry_after = kHeldForLeast;
    } else if (purse->span.to != WallTime::max()) {
      error.message += fmt::format("; it begins anew at {}. A shorter Ebb-Deadline makes the worst case less", moment(budget, purse->span.to));
      error.retry_after = std::max(milliseconds(1), std::chrono::ceil<milliseconds>(purse->span.to - now));
    } else {
      error.message += ". A shorter Ebb-Deadline makes the worst case less";
    }
    return error;
  }
  return std::nullopt;
}

std::optional<Error> over_max_cost(domain::Pico max_cost, const domain::Use& worst, const domain::Revision& revision, const domain::PriceList& prices) {
  const domain::Pico cost = worst_cost_of(prices, worst);
  if (cost <= max_cost) return std::nullopt;
  domain::Use besides = worst;
  besides.mib_ms = 0;
  const domain::Pico each_ms = std::max<domain::Pico>(worst_cost_of(prices, {.mib_ms = revision.memory_mib}), 1);
  const domain::Pico for_time = std::max<domain::Pico>(max_cost - worst_cost_of(prices, besides), 0);
  const milliseconds fits = milliseconds(for_time / each_ms) - milliseconds(kCancelMax);
  std::string message = fmt::format("this call may cost up to {} {} by its time{} and {} MiB, and 'Ebb-Max-Cost' allows {}", domain::format_money(cost),
                                    prices.currency, prices.counts_tokens() ? ", its tokens" : "", revision.memory_mib, domain::format_money(max_cost));
  if (fits > milliseconds(0)) message += fmt::format(": with an Ebb-Deadline of at most {}ms it fits", fits.count());
  return Error{.kind = ErrorKind::kInvalid, .message = std::move(message), .param = "Ebb-Max-Cost"};
}

bool turn_page(Purse& purse, WallTime now) {
  if (now < purse.span.to) return false;
  const auto zone = domain::find_zone(purse.budget.zone);
  EBB_CHECK(zone);  // it was found when the budget was set
  purse.span = domain::span_of(purse.budget.period, **zone, now);
  purse.spent = 0;
  purse.known = true;  // nothing was spent in it before the budget was set: what is counted now is of the one before
  purse.told = false;
  return true;
}

void turn_month(Tally& tally, WallTime at) {
  if (at < tally.month.to) return;
  const auto month_of = [](WallTime time) {
    const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(time));
    return std::chrono::year_month(day.year(), day.month());
  };
  const auto first_of = [](std::chrono::year_month month) { return WallTime(std::chrono::sys_days(month / 1)); };
  const std::chrono::year_month month = month_of(at);
  tally.month = {.from = first_of(month), .to = first_of(month + std::chrono::months(1))};
  tally.use = {};
}

}  // namespace ebb::control
