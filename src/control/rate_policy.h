// Limits by rate: a bucket that is full at first and fills again evenly, kept as the moment when it will be full (the generic cell rate algorithm, ITU-T
// I.371). A call needs room for one request, and of tokens and spending only that something is left: what it used is taken when it is known, and owed if there
// is less. Pure.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "domain/rate_limit.h"

namespace ebb::control {

struct Rate {
  domain::RateLimit limit;
  MonoTime full_at{};   // nothing is used of it from then on
  int64_t running = 0;  // of concurrency: calls that are accepted and not over
  bool told = false;    // of spending: that it is over, since it was last within
  bool operator==(const Rate&) const = default;
};

// What one more call is refused with; nullopt: each has room for it. Errors of kind kQuota that say when to come back.
std::optional<Error> over_rate(const std::vector<const Rate*>& rates, MonoTime now);

// Of what may be used at once; past 1: owed.
double used_part(const Rate& rate, MonoTime now);

// So much was used; of concurrency, nothing changes.
void use_up(Rate& rate, int64_t amount, MonoTime now);

}  // namespace ebb::control
