// Playback goes from minute to minute by lists of the functions that have calls in it: what it costs is the calls and the counts, not functions × minutes.
// A minute is cut into slices of some thousand calls in the same way, and only those of a slice are sorted: a heap over all functions of a minute takes
// twice as long.
#include "plan/trace_counts.h"

#include <algorithm>

#include "base/check.h"
#include "base/mix.h"

namespace ebb::plan {

namespace {

constexpr nanoseconds kMinute = std::chrono::minutes(1);
constexpr uint32_t kListEnd = UINT32_MAX;
constexpr uint64_t kCallsOfSlice = 1024;
constexpr uint64_t kSlicesMax = 60'000;

void append_varint(std::string& out, uint32_t value) {
  for (; value >= 0x80; value >>= 7U)
    out += static_cast<char>(value | 0x80U);
  out += static_cast<char>(value);
}

uint32_t take_varint(const std::string& in, uint32_t& at) {
  uint32_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(in[at++]);
    value |= (byte & 0x7FU) << shift;
    if (byte < 0x80) return value;
  }
}

// The n-th number of the splitmix64 sequence that begins at `seed`.
uint64_t splitmix64(uint64_t seed, uint64_t n) { return mix(seed + n * 0x9E3779B97F4A7C15U); }

}  // namespace

nanoseconds service_time(const ServiceTimes& times, double position) {
  const double percent = std::clamp(position, 0.0, 1.0) * 100;
  size_t i = 1;
  while (percent > kPercentiles[i])
    ++i;
  const double part = (percent - kPercentiles[i - 1]) / (kPercentiles[i] - kPercentiles[i - 1]);
  const double ms = times[i - 1] + (static_cast<double>(times[i]) - times[i - 1]) * part;
  return nanoseconds(static_cast<int64_t>(ms * 1e6));
}

uint32_t TraceCounts::add_function(uint64_t hash) {
  functions_.emplace_back().hash = hash;
  return static_cast<uint32_t>(functions_.size() - 1);
}

void TraceCounts::add(uint32_t function, uint32_t minute, uint32_t calls) {
  Function& to = functions_[function];
  EBB_CHECK(minute >= to.end_minute && calls > 0);
  append_varint(to.counts, minute - to.end_minute);
  append_varint(to.counts, calls);
  to.end_minute = minute + 1;
  minutes_ = std::max(minutes_, to.end_minute);
  calls_ += calls;
  ++size_;
}

void TraceCounts::set_service(uint32_t function, const ServiceTimes& times) { functions_[function].service = times; }

void TraceCounts::rewind() {
  lists_.assign(minutes_, kListEnd);
  slices_.clear();
  ready_.clear();
  given_ = 0;
  slice_ = minute_ = 0;
  for (uint32_t i = 0; i < functions_.size(); ++i) {
    Function& function = functions_[i];
    function.read = function.minute = 0;
    function.played = 0;
    enlist(i);
  }
}

void TraceCounts::enlist(uint32_t index) {
  Function& function = functions_[index];
  if (function.read == function.counts.size()) return;
  const uint32_t minute = function.minute + take_varint(function.counts, function.read);
  function.calls_in_minute = take_varint(function.counts, function.read);
  function.minute = minute + 1;
  function.list_next = lists_[minute];
  lists_[minute] = index;
}

void TraceCounts::begin_minute(uint32_t minute) {
  minute_begin_ = minute * kMinute;
  due_.clear();
  uint64_t calls = 0;
  for (uint32_t i = lists_[minute]; i != kListEnd;) {
    const Function& function = functions_[i];
    const nanoseconds spacing = kMinute / function.calls_in_minute;
    const nanoseconds phase = nanoseconds(static_cast<int64_t>(function.hash % static_cast<uint64_t>(kMinute.count()))) % spacing;
    due_.push_back({.at = minute_begin_ + phase, .spacing = spacing, .function = i, .left = function.calls_in_minute});
    calls += function.calls_in_minute;
    const uint32_t following = function.list_next;
    enlist(i);
    i = following;
  }
  const uint64_t slices = std::clamp<uint64_t>(calls / kCallsOfSlice, 1, kSlicesMax);
  slice_length_ = kMinute / static_cast<int64_t>(slices) + nanoseconds(1);
  slices_.assign(slices, kListEnd);
  slice_ = 0;
  for (uint32_t i = 0; i < due_.size(); ++i)
    enlist_due(i);
}

void TraceCounts::enlist_due(uint32_t index) {
  Due& due = due_[index];
  uint32_t& list = slices_[static_cast<size_t>((due.at - minute_begin_) / slice_length_)];
  due.list_next = list;
  list = index;
}

void TraceCounts::begin_slice(uint32_t slice) {
  ready_.clear();
  given_ = 0;
  const nanoseconds end = minute_begin_ + (slice + 1) * slice_length_;
  for (uint32_t i = slices_[slice]; i != kListEnd;) {
    Due& due = due_[i];
    const uint32_t following = due.list_next;
    for (; due.left > 0 && due.at < end; --due.left, due.at += due.spacing)
      ready_.push_back({.at = due.at, .function = due.function});
    if (due.left > 0) enlist_due(i);
    i = following;
  }
  std::ranges::sort(ready_);
}

std::optional<TraceCall> TraceCounts::next() {
  while (given_ == ready_.size()) {
    if (slice_ < slices_.size()) {
      begin_slice(slice_++);
    } else if (minute_ < lists_.size()) {
      begin_minute(minute_++);
    } else {
      return std::nullopt;
    }
  }
  const Ready& ready = ready_[given_++];
  Function& function = functions_[ready.function];
  const double position = static_cast<double>(splitmix64(function.hash, function.played++) >> 11U) * 0x1p-53;
  return TraceCall{.at = ready.at, .service = service_time(function.service, position), .function = ready.function};
}

}  // namespace ebb::plan
