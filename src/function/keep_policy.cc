// Trying, and how long not to.
#include "function/keep_policy.h"

#include <algorithm>

namespace ebb::function {

void KeepPolicy::waits(bool on_new_connection) {
  ++waiting_;
  if (on_new_connection) ++waiting_on_new_;
}

void KeepPolicy::waited(bool on_new_connection, MonoTime now) {
  --waiting_;
  if (!on_new_connection) return;
  --waiting_on_new_;
  if (waiting_on_new_ == 0) kept_since_.reset();
  if (kept_since_) kept_since_ = now;
}

bool KeepPolicy::keeps(MonoTime now) {
  if (waiting_ == 0) return true;
  if (now < try_again_) return false;
  if (waiting_on_new_ > 0 && !kept_since_) kept_since_ = now;
  return !stalls(now);
}

bool KeepPolicy::stalls(MonoTime now) {
  const std::optional<MonoTime> at = stalls_at();
  if (!at || now < *at) return false;
  kept_since_.reset();
  try_again_ = now + pause_;
  pause_ = std::min(2 * pause_, kTryAgainLast);
  return true;
}

std::optional<MonoTime> KeepPolicy::stalls_at() const { return kept_since_ ? std::optional(*kept_since_ + kStallMax) : std::nullopt; }

}  // namespace ebb::function
