// The split of busy time.
#include "domain/meter.h"

#include <algorithm>

#include "base/check.h"

namespace ebb::domain {

void BusyMeter::advance(MonoTime now) {
  EBB_CHECK(now >= last_ || running_.empty());
  if (!running_.empty()) {
    const int64_t dt = (now - last_).count();
    const auto count = static_cast<int64_t>(running_.size());
    int64_t remainder = dt % count;
    for (auto& [call, share] : running_) {
      share += nanoseconds(dt / count + (remainder > 0 ? 1 : 0));
      if (remainder > 0) --remainder;
    }
    busy_ += nanoseconds(dt);
  }
  last_ = now;
}

void BusyMeter::dispatched(CallId call, MonoTime now) {
  advance(now);
  EBB_CHECK(running_.emplace(call, nanoseconds{0}).second);
}

nanoseconds BusyMeter::finished(CallId call, MonoTime ended) {
  advance(std::max(ended, last_));
  const auto found = running_.find(call);
  if (found == running_.end()) return nanoseconds{0};
  const nanoseconds share = found->second;
  running_.erase(found);
  return share;
}

nanoseconds BusyMeter::share(CallId call, MonoTime now) {
  advance(now);
  const auto found = running_.find(call);
  return found == running_.end() ? nanoseconds{0} : found->second;
}

}  // namespace ebb::domain
