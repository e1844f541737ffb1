// Calls that a trace counts by function and minute, kept packed, and played back one after the other.
//
// The n calls of a minute are evenly spaced over it and shifted by a phase of their function, so that a timer keeps its period to the second: where there is
// one call a minute, or in some minutes, it is always at the same second. How long each runs is drawn from the function's percentiles, by the function's hash
// and the call's number: the same in every run and on every machine.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plan/trace_call.h"

namespace ebb::plan {

// Milliseconds at the percentiles that the trace gives. All zero: it does not say.
inline constexpr std::array<int, 7> kPercentiles = {0, 1, 25, 50, 75, 99, 100};
using ServiceTimes = std::array<float, kPercentiles.size()>;

// At `position` of 0 to 1; linear between two percentiles.
nanoseconds service_time(const ServiceTimes& times, double position);

class TraceCounts {
 public:
  // The index of the new function. What has the same hash has the same phase and draws the same times.
  uint32_t add_function(uint64_t hash);
  // Minutes of one function come in ascending order, without those that have no calls.
  void add(uint32_t function, uint32_t minute, uint32_t calls);
  void set_service(uint32_t function, const ServiceTimes& times);

  uint64_t calls() const { return calls_; }
  // Minutes that were added.
  uint64_t size() const { return size_; }

  // To the begin; needed once after the last add().
  void rewind();
  std::optional<TraceCall> next();

 private:
  struct Function {
    uint64_t hash = 0;
    std::string counts;       // for each minute with calls: how far it is from the last one, and the calls, both as varints
    uint32_t end_minute = 0;  // after the last one that was added
    ServiceTimes service{};
    // Where playback is.
    uint32_t read = 0;  // bytes of counts
    uint32_t minute = 0;
    uint32_t calls_in_minute = 0;
    uint32_t list_next = 0;  // of the functions whose next calls are in the same minute
    uint64_t played = 0;
  };
  // What one function has left in the minute that is being played.
  struct Due {
    nanoseconds at{0};
    nanoseconds spacing{0};
    uint32_t function = 0;
    uint32_t left = 0;
    uint32_t list_next = 0;  // of those whose next call is in the same slice
  };
  struct Ready {
    nanoseconds at{0};
    uint32_t function = 0;
    auto operator<=>(const Ready&) const = default;
  };

  // Reads the function's next minute and puts it on that minute's list.
  void enlist(uint32_t index);
  void begin_minute(uint32_t minute);
  // Puts what is due[index] on the list of the slice of its next call.
  void enlist_due(uint32_t index);
  void begin_slice(uint32_t slice);

  std::vector<Function> functions_;
  uint64_t calls_ = 0;
  uint64_t size_ = 0;
  uint32_t minutes_ = 0;
  std::vector<uint32_t> lists_;  // for each minute, the first function
  uint32_t minute_ = 0;          // the next to begin
  std::vector<Due> due_;
  nanoseconds minute_begin_{0};
  nanoseconds slice_length_{0};
  std::vector<uint32_t> slices_;  // for each slice of the minute, the first of due_
  uint32_t slice_ = 0;            // the next to begin
  std::vector<Ready> ready_;      // the calls of a slice in their order
  size_t given_ = 0;              // of them
};

}  // namespace ebb::plan
