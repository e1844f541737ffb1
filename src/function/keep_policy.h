// Whether a connection to a function is kept for the next call while other calls wait for the heads of their answers.
//
// Most servers serve many connections at once, and a new connection for each call would cost more than the call. Some serve one after the other, and
// whoever waits on a new connection is never served while a kept one is open. Which kind a function is cannot be asked, so it is tried: connections are
// kept until, for kStallMax, no call on a new connection was answered although one waited. From then on none is kept while calls wait, for a time that
// doubles with each try that fails.
//
// Pure.
#pragma once

#include <optional>

#include "base/time.h"

namespace ebb::function {

inline constexpr milliseconds kStallMax{100};
inline constexpr milliseconds kTryAgainFirst{1'000};
inline constexpr milliseconds kTryAgainLast{300'000};

class KeepPolicy {
 public:
  void waits(bool on_new_connection);
  void waited(bool on_new_connection, MonoTime now);  // its head came, or it ended without one

  // A connection is free: whether it is kept.
  bool keeps(MonoTime now);
  // Whether what is kept must be closed, so that somebody else is served.
  bool stalls(MonoTime now);
  // When to ask that, if nothing else happens.
  std::optional<MonoTime> stalls_at() const;

 private:
  int waiting_ = 0;
  int waiting_on_new_ = 0;
  std::optional<MonoTime> kept_since_;  // one was kept while a call waited on a new connection, and none of those was answered since
  MonoTime try_again_{};
  milliseconds pause_ = kTryAgainFirst;
};

}  // namespace ebb::function
