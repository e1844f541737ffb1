// The Knative Pod Autoscaler (KPA) of one function, as Knative Serving's documentation and its defaults (config-autoscaler) describe it. Pure.
//
//   each second    the calls in the system, running or waiting, as the mean of that second
//   each tick      their mean over the stable window (60 s) and over a tenth of it, by the target of 70 % of what a pod takes at once: so many pods
//   panic          when the short window asks for twice the pods that are ready: no pod goes until the long window has passed since
//   to zero        when the long window is empty; the grace period (30 s) only bounds how long Knative waits until its activator stands before the function,
//                  and with the default target burst capacity (200 calls) it nearly always does
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "base/time.h"

namespace ebb::plan {

inline constexpr seconds kKpaTick{2};

struct KpaOptions {
  seconds stable_window{60};  // Knative allows 6 s to 1 h
  int calls_per_pod = 64;     // its container concurrency
  double target() const { return 0.7 * calls_per_pod; }
};

// Calls in the system, in the mean.
struct KpaLoad {
  double stable = 0;
  double panic = 0;
};

// Measures the load. Times do not run backwards.
class KpaMeter {
 public:
  explicit KpaMeter(const KpaOptions& options);

  void came(nanoseconds at);
  void ended(nanoseconds at);
  int calls() const { return calls_; }
  // No pod is left, and nothing is measured: a whole window later the mean begins anew.
  void stops(nanoseconds at) { stopped_ = at; }
  // Over the windows that end there; a begun second counts as one.
  KpaLoad load(nanoseconds at);
  // If no call came any more: when the stable window is empty.
  nanoseconds empty_at(nanoseconds now) const;

 private:
  struct Second {
    int64_t number = 0;
    int64_t call_ns = 0;
  };

  void pass(nanoseconds until);
  void forget(int64_t end);
  int64_t call_ns_now() const;

  int64_t stable_s_;
  int64_t panic_s_;
  int calls_ = 0;
  nanoseconds since_{0};        // all before is counted
  int64_t begun_ns_ = 0;        // of the second that has begun
  bool reported_ = false;       // its first call was, at once
  int64_t first_second_ = -1;   // of the mean
  nanoseconds stopped_{-1};     // -1: there are pods
  std::deque<Second> seconds_;  // of the stable window, those with calls
  size_t before_panic_ = 0;     // of them, so many are before the panic window
  int64_t stable_ns_ = 0;       // sums of seconds_
  int64_t panic_ns_ = 0;
};

// Decides. One for each function.
class KpaScaler {
 public:
  explicit KpaScaler(const KpaOptions& options) : options_(options) {}

  // How many pods there are to be, with so many that are ready; where there are none yet to become inactive, at least one.
  int wanted(const KpaLoad& load, int ready, nanoseconds now);
  bool panics() const { return panic_at_.count() >= 0; }
  // The first pod became ready.
  void active(nanoseconds at) { active_at_ = at; }

 private:
  bool may_go(nanoseconds now) const;

  KpaOptions options_;
  nanoseconds panic_at_{-1};  // when it last asked for so many; -1: it does not panic
  int panic_pods_ = 0;
  nanoseconds active_at_{-1};
  nanoseconds proxied_at_{0};  // since when the activator stands before it; -1: it does not
};

}  // namespace ebb::plan
