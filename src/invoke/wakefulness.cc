// A timer runs only while processors are awake.
#include "invoke/wakefulness.h"

#include <utility>

namespace ebb::invoke {

Wakefulness::Wakefulness(io::Executor executor, Result<io::CpuLatency> latency) : latency_(std::move(latency)), look_(executor) {}

void Wakefulness::call_came(MonoTime now) {
  if (!latency_) return;
  const bool was_awake = pace_.awake;
  control::count_call(pace_, now);
  if (pace_.awake == was_awake) return;
  latency_->keep_awake(true);
  look_later();
}

void Wakefulness::look_later() {
  look_.expires_after(control::kPaceOver);
  look_.async_wait([this](io::ErrorCode error) {
    if (error) return;
    control::look_at_pace(pace_);
    if (pace_.awake) return look_later();
    latency_->keep_awake(false);
  });
}

std::string Wakefulness::told() const {
  if (!latency_) return "asleep when idle: " + latency_.error().message;
  return pace_.awake ? "awake, since calls come close together" : "asleep when idle; kept awake while calls come close together";
}

}  // namespace ebb::invoke
