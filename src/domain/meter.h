// Splits a worker's busy time among the calls that ran in it, so that the bills of a worker add up to its busy time exactly.
//
// Between two changes of the running set, dt nanoseconds are split equally; a remainder of r goes one nanosecond each to the r
// calls with the lowest ids. Example: A runs 0–10 ms, B 4–10 ms: A = 4 + 3 = 7 ms, B = 3 ms, busy = 10 ms.
// Pure: `now` comes from the caller's one monotonic clock and never decreases, but that a call may have ended a moment ago; one meter for each worker.
#pragma once

#include <map>

#include "base/ids.h"
#include "base/time.h"

namespace ebb::domain {

class BusyMeter {
 public:
  // The call takes a slot at `now`. It must not be running already.
  void dispatched(CallId call, MonoTime now);
  // The slot is free since `ended`, at the earliest since the last change; returns the call's whole share. Zero for a call that is not running.
  nanoseconds finished(CallId call, MonoTime ended);

  // What the call has run up until `now`.
  nanoseconds share(CallId call, MonoTime now);
  nanoseconds busy_total() const { return busy_; }
  bool busy() const { return !running_.empty(); }
  size_t running() const { return running_.size(); }

  bool operator==(const BusyMeter&) const = default;

 private:
  void advance(MonoTime now);

  std::map<CallId, nanoseconds> running_;
  MonoTime last_{};
  nanoseconds busy_{0};
};

}  // namespace ebb::domain
