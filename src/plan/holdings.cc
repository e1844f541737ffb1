// Sums by the parts of the trace that an interval touches.
#include "plan/holdings.h"

#include <algorithm>
#include <numeric>

namespace ebb::plan {

namespace {

double seconds_of(nanoseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

nanoseconds service_of(const World& world, const TraceCall& call) {
  if (call.service.count() > 0) return call.service;
  if (call.prompt_tokens + call.completion_tokens == 0) return world.service;
  return std::chrono::round<nanoseconds>(
      std::chrono::duration<double>(call.prompt_tokens / world.prompt_tokens_s + call.completion_tokens / world.answer_tokens_s));
}

uint64_t bytes_of(const World& world, const TraceFunction& function) {
  return static_cast<uint64_t>(function.memory_mib > 0 ? function.memory_mib : world.memory_mib) << 20U;
}
nanoseconds start_of(const World& world, const TraceFunction& function) { return function.start.count() > 0 ? function.start : world.start; }
int calls_per_instance(const World& world, const TraceFunction& function) {
  return function.calls_per_instance > 0 ? function.calls_per_instance : world.calls_per_instance;
}

void Holdings::add(Course& course, nanoseconds from, nanoseconds to, uint64_t bytes) const {
  from = std::max(from, nanoseconds{0});
  to = std::min(to, length_);
  if (from >= to) return;
  const double gib = static_cast<double>(bytes) / static_cast<double>(1ULL << 30U);
  const double part = seconds_of(length_) / kMoments;
  const double begin = seconds_of(from);
  const double end = seconds_of(to);
  const auto first = std::min(static_cast<size_t>(begin / part), course.size() - 1);
  const auto last = std::min(static_cast<size_t>(end / part), course.size() - 1);
  for (size_t i = first; i <= last; ++i) {
    const double lower = std::max(begin, static_cast<double>(i) * part);
    const double upper = i == last ? end : static_cast<double>(i + 1) * part;
    course[i] += gib * std::max(upper - lower, 0.0);
  }
}

void Holdings::held(nanoseconds from, nanoseconds to, uint64_t bytes) {
  add(held_, from, to, bytes);
  instance_s_ += seconds_of(std::max(std::min(to, length_) - std::max(from, nanoseconds{0}), nanoseconds{0}));
}

void Holdings::busy(nanoseconds from, nanoseconds to, uint64_t bytes) { add(busy_, from, to, bytes); }

void Holdings::write(Outcome& outcome) const {
  const double part = seconds_of(length_) / kMoments;
  outcome.over_time.clear();
  for (size_t i = 0; i < held_.size(); ++i)
    outcome.over_time.push_back({.held_gib = held_[i] / part, .busy_gib = busy_[i] / part});
  const double held = std::accumulate(held_.begin(), held_.end(), 0.0) / 60;
  outcome.busy_gib_min = std::accumulate(busy_.begin(), busy_.end(), 0.0) / 60;
  outcome.idle_gib_min = std::max(held - outcome.busy_gib_min, 0.0);
  outcome.instance_s = instance_s_;
  outcome.peak_gib = *std::ranges::max_element(held_) / part;
}

}  // namespace ebb::plan
