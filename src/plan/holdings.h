// Adds up what instances hold over the time of a trace.
#pragma once

#include <array>

#include "plan/outcome.h"

namespace ebb::plan {

class Holdings {
 public:
  explicit Holdings(nanoseconds length) : length_(length) {}

  // From one time to another, within the trace; what lies beyond its end counts nothing. Any order.
  void held(nanoseconds from, nanoseconds to, uint64_t bytes);
  // The same of what is no instance yet: memory alone.
  void prepared(nanoseconds from, nanoseconds to, uint64_t bytes) { add(held_, from, to, bytes); }
  void busy(nanoseconds from, nanoseconds to, uint64_t bytes);
  // Into the outcome: GiB × minutes, instance seconds, the course over time and its peak.
  void write(Outcome& outcome) const;

 private:
  using Course = std::array<double, kMoments>;  // GiB × s in each part of the trace
  void add(Course& course, nanoseconds from, nanoseconds to, uint64_t bytes) const;

  nanoseconds length_;
  Course held_{};
  Course busy_{};
  double instance_s_ = 0;
};

}  // namespace ebb::plan
