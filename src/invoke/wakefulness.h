// Keeps the machine's idle processors awake while calls come close together (control/awake_policy.h), where the machine lets it.
#pragma once

#include <string>

#include "control/awake_policy.h"
#include "io/asio.h"
#include "io/cpu_latency.h"

namespace ebb::invoke {

// Of the loop's thread.
class Wakefulness {
 public:
  Wakefulness(io::Executor executor, Result<io::CpuLatency> latency);

  void call_came(MonoTime now);
  bool awake() const { return latency_ && pace_.awake; }
  // One line for people: what processors do between calls, and why.
  std::string told() const;

 private:
  void look_later();

  Result<io::CpuLatency> latency_;
  control::Pace pace_;
  io::Timer look_;
};

}  // namespace ebb::invoke
