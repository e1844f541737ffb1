// One pass over the trace. Pods of a function are alike, so they are counted, not named.
//
// A function is looked at each two seconds only where that can change something. With one pod, and no more calls at once than its target for a whole window,
// both means ask for one pod until the stable window is empty: then is the next time to look.
#include "plan/knative.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <queue>
#include <vector>

#include "plan/holdings.h"
#include "plan/kpa.h"
#include "wire/quantity.h"

namespace ebb::plan {

namespace {

enum class Kind : uint8_t { kEnd, kReady, kTick };  // at the same time, in this order

struct Due {
  nanoseconds at{0};
  Kind kind = Kind::kEnd;
  uint32_t function = 0;
  auto operator<=>(const Due&) const = default;
};

struct Function {
  explicit Function(const KpaOptions& own) : options(own), meter(own), scaler(own) {}

  KpaOptions options;
  KpaMeter meter;
  KpaScaler scaler;
  int wanted = 0;
  int ready = 0;
  std::deque<nanoseconds> starting;  // when each is ready
  int running = 0;
  std::deque<TraceCall> queue;
  nanoseconds tick_at{-1};        // -1: none is needed
  nanoseconds restless_until{0};  // more calls than one pod's target are in the stable window
  std::vector<nanoseconds> held;  // since when, for each pod that is there
  std::vector<nanoseconds> busy;

  int pods() const { return ready + static_cast<int>(starting.size()); }
};

class Cluster {
 public:
  Cluster(Trace& trace, const World& world, seconds window) : trace_(trace), world_(world), holdings_(trace.length()) {
    for (const TraceFunction& function : trace.functions())
      functions_.emplace_back(KpaOptions{.stable_window = window, .calls_per_pod = calls_per_instance(world, function)});
  }

  Outcome run(std::string policy) {
    outcome_.policy = std::move(policy);
    trace_.rewind();
    while (const std::optional<TraceCall> call = trace_.next()) {
      pass_until(call->at);
      come(*call);
    }
    pass_until(trace_.length());
    for (uint32_t i = 0; i < functions_.size(); ++i) {
      for (const TraceCall& call : functions_[i].queue)
        waited(trace_.length() - call.at);
      hold(i, trace_.length(), 0, 0);
    }
    holdings_.write(outcome_);
    return std::move(outcome_);
  }

 private:
  uint64_t bytes_of(uint32_t function) const { return plan::bytes_of(world_, trace_.functions()[function]); }
  static int pods_for(const Function& function, size_t calls) {
    return static_cast<int>((calls + static_cast<size_t>(function.options.calls_per_pod) - 1) / static_cast<size_t>(function.options.calls_per_pod));
  }
  void waited(nanoseconds time) { outcome_.waited_s += std::chrono::duration<double>(time).count(); }

  void pass_until(nanoseconds until) {
    while (!due_.empty() && due_.top().at <= until) {
      const Due due = due_.top();
      due_.pop();
      Function& function = functions_[due.function];
      switch (due.kind) {
        case Kind::kEnd: end(function, due.at); break;
        case Kind::kReady: begin(function, due.at); break;
        case Kind::kTick:
          if (due.at == function.tick_at) tick(due.function, due.at);
          break;
      }
      hold(due.function, due.at);
    }
  }

  void come(const TraceCall& call) {
    Function& function = functions_[call.function];
    ++outcome_.calls;
    function.meter.came(call.at);
    function.queue.push_back(call);
    serve(function, call.at);
    outcome_.waiting += function.queue.empty() ? 0 : 1;
    if (function.meter.calls() > function.options.target()) {
      function.restless_until = call.at + function.options.stable_window + kKpaTick;
      if (function.pods() > 0) tick_by(call.function, next_tick(call.at));
    }
    if (function.pods() == 0) tick(call.function, call.at);  // from nothing its autoscaler is asked at once
    hold(call.function, call.at);
  }

  void serve(Function& function, nanoseconds at) {
    while (!function.queue.empty() && function.running < function.ready * function.options.calls_per_pod) {
      const TraceCall& call = function.queue.front();
      ++function.running;
      waited(at - call.at);
      due_.push({.at = at + service_of(world_, call), .kind = Kind::kEnd, .function = call.function});
      function.queue.pop_front();
    }
  }

  void end(Function& function, nanoseconds at) {
    function.meter.ended(at);
    --function.running;
    serve(function, at);
  }

  void begin(Function& function, nanoseconds at) {
    if (function.starting.empty() || function.starting.front() != at) return;  // it was given up since
    function.starting.pop_front();
    if (function.ready++ == 0) function.scaler.active(at);
    outcome_.cold += function.queue.empty() ? 0 : 1;
    serve(function, at);
  }

  void tick(uint32_t index, nanoseconds at) {
    Function& function = functions_[index];
    function.wanted = function.scaler.wanted(function.meter.load(at), function.ready, at);
    while (function.pods() > function.wanted && !function.starting.empty())
      function.starting.pop_back();
    function.ready = std::min(function.ready, function.wanted);
    const uint64_t bytes = bytes_of(index);
    hold(index, at);
    while (function.pods() < function.wanted && held_bytes_ + bytes <= world_.memory_cap_bytes) {
      function.starting.push_back(at + start_of(world_, trace_.functions()[index]));
      due_.push({.at = function.starting.back(), .kind = Kind::kReady, .function = index});
      hold(index, at);
    }
    function.tick_at = nanoseconds(-1);
    if (function.wanted == 0) return function.meter.stops(at);
    const bool calm = function.wanted == 1 && function.pods() == 1 && !function.scaler.panics() && at >= function.restless_until;
    tick_by(index, calm ? std::max(next_tick(at), first_tick(function.meter.empty_at(at))) : next_tick(at));
  }

  static nanoseconds next_tick(nanoseconds at) { return (at / kKpaTick + 1) * nanoseconds(kKpaTick); }
  static nanoseconds first_tick(nanoseconds from) { return next_tick(from - nanoseconds(1)); }
  void tick_by(uint32_t index, nanoseconds at) {
    Function& function = functions_[index];
    if (function.tick_at.count() >= 0 && function.tick_at <= at) return;
    function.tick_at = at;
    due_.push({.at = at, .kind = Kind::kTick, .function = index});
  }

  // What pods hold from now on. One that is to go stays while its calls run; one that starts and that a call waits for is busy, as everywhere.
  void hold(uint32_t index, nanoseconds at) {
    const Function& function = functions_[index];
    const int runs = pods_for(function, static_cast<size_t>(function.running));
    const int busy = runs + std::min(static_cast<int>(function.starting.size()), pods_for(function, function.queue.size()));
    hold(index, at, std::max(function.pods(), busy), busy);
  }
  void hold(uint32_t index, nanoseconds at, int held, int busy) {
    Function& function = functions_[index];
    const uint64_t bytes = bytes_of(index);
    for (; std::cmp_less(function.held.size(), held); held_bytes_ += bytes)
      function.held.push_back(at);
    for (; std::cmp_greater(function.held.size(), held); held_bytes_ -= bytes, function.held.pop_back())
      holdings_.held(function.held.back(), at, bytes);
    while (std::cmp_less(function.busy.size(), busy))
      function.busy.push_back(at);
    for (; std::cmp_greater(function.busy.size(), busy); function.busy.pop_back())
      holdings_.busy(function.busy.back(), at, bytes);
  }

  Trace& trace_;
  const World& world_;
  Holdings holdings_;
  Outcome outcome_;
  std::vector<Function> functions_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  uint64_t held_bytes_ = 0;
};

}  // namespace

Outcome knative(Trace& trace, const World& world, seconds window) {
  const std::string which = window == kKnativeWindow ? "" : fmt::format(", window {}", wire::format_duration(window));
  return Cluster(trace, world, window).run("Knative KPA" + which);
}

}  // namespace ebb::plan
