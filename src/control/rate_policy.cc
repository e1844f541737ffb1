// Amounts as the time in which they come back.
#include "control/rate_policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "domain/limits.h"

namespace ebb::control {

namespace {

// Where nothing tells when one of the calls that run ends.
constexpr milliseconds kSoon{1000};

// Rounded down: the whole amount comes back in no more than its time.
nanoseconds time_of(const domain::RateLimit& limit, int64_t amount) {
  __extension__ using Wide = __int128;
  const Wide time = Wide{amount} * limit.per.count() / limit.amount;
  const Wide most = Wide{limit.per.count()} * domain::kRateDebtTimesMax;
  return nanoseconds(static_cast<int64_t>(std::min(time, most)));
}

nanoseconds used(const Rate& rate, MonoTime now) { return std::max<nanoseconds>(rate.full_at - now, nanoseconds(0)); }

// How long until there is room for one call; zero: there is.
nanoseconds wait_of(const Rate& rate, MonoTime now) {
  const nanoseconds per = rate.limit.per;
  switch (rate.limit.of) {
    case domain::RateOf::kConcurrency: return rate.running < rate.limit.amount ? nanoseconds(0) : nanoseconds(kSoon);
    case domain::RateOf::kRequests: return std::max(used(rate, now) + time_of(rate.limit, 1) - per, nanoseconds(0));
    case domain::RateOf::kTokens:
    case domain::RateOf::kSpending: return used(rate, now) < per ? nanoseconds(0) : used(rate, now) - per + nanoseconds(1);
  }
  return nanoseconds(0);
}

std::string sentence(const Rate& rate) {
  const domain::RateLimit& limit = rate.limit;
  const std::string whose = fmt::format("{} '{}'", to_string(limit.whose), limit.name);
  switch (limit.of) {
    case domain::RateOf::kConcurrency: return fmt::format("{} has {} calls that are not over, which is as many as it may", whose, rate.running);
    case domain::RateOf::kSpending:
      return fmt::format("{} spends faster than {}, its limit: if that is meant, `ebb limit set` raises it", whose, format_rate(limit));
    default: return fmt::format("{} is at its limit of {} {}", whose, to_string(limit.of), format_rate(limit));
  }
}

}  // namespace

std::optional<Error> over_rate(const std::vector<const Rate*>& rates, MonoTime now) {
  const Rate* worst = nullptr;
  nanoseconds longest{0};
  for (const Rate* const rate : rates) {
    const nanoseconds wait = wait_of(*rate, now);
    if (wait > longest) {
      worst = rate;
      longest = wait;
    }
  }
  if (worst == nullptr) return std::nullopt;
  const bool spending = worst->limit.of == domain::RateOf::kSpending;
  return Error{.kind = ErrorKind::kQuota,
               .message = sentence(*worst),
               .code = std::string(spending ? domain::kOverSpending : domain::kOverRate),
               .retry_after = std::max(std::chrono::ceil<milliseconds>(longest), milliseconds(1))};
}

double used_part(const Rate& rate, MonoTime now) {
  const domain::RateLimit& limit = rate.limit;
  if (limit.of == domain::RateOf::kConcurrency) return static_cast<double>(rate.running) / static_cast<double>(limit.amount);
  return static_cast<double>(used(rate, now).count()) / static_cast<double>(limit.per.count());
}

void use_up(Rate& rate, int64_t amount, MonoTime now) {
  const domain::RateLimit& limit = rate.limit;
  if (limit.of == domain::RateOf::kConcurrency || amount <= 0) return;
  const nanoseconds owed = used(rate, now) + time_of(limit, amount);
  rate.full_at = now + std::min<nanoseconds>(owed, limit.per * domain::kRateDebtTimesMax);
}

}  // namespace ebb::control
