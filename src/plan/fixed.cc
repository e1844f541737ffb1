// One pass over the trace; instances are kept by function, the last used on top.
#include "plan/fixed.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <queue>
#include <set>
#include <tuple>
#include <vector>

#include "plan/holdings.h"
#include "wire/quantity.h"

namespace ebb::plan {

namespace {

struct Instance {
  uint32_t function = 0;
  int running = 0;
  nanoseconds born{0};
  nanoseconds ready{0};
  nanoseconds changed{0};  // when it began to serve, or to be idle
};

struct End {
  nanoseconds at{0};
  size_t instance = 0;
  bool operator>(const End& other) const { return at != other.at ? at > other.at : instance > other.instance; }
};

// Those with room for a call: the fullest first, of the idle ones that which was used last.
using Open = std::set<std::tuple<int, nanoseconds, size_t>>;

enum class Starts { kTakeTime, kAtOnce };

// Instances come and go; `keep` and the world's cap say when.
class Pool {
 public:
  Pool(Trace& trace, const World& world, nanoseconds keep, Starts starts = Starts::kTakeTime)
      : trace_(trace), world_(world), keep_(keep), starts_at_once_(starts == Starts::kAtOnce), holdings_(trace.length()), open_(trace.functions().size()) {}

  Outcome run(std::string policy) {
    outcome_.policy = std::move(policy);
    trace_.rewind();
    while (const std::optional<TraceCall> call = trace_.next()) {
      end_until(call->at);
      serve(*call);
    }
    end_until(trace_.length());
    for (const auto& [since, id] : idle_)
      holdings_.held(instances_[id].born, trace_.length(), bytes_of(instances_[id]));
    for (; !ends_.empty(); ends_.pop()) {
      Instance& instance = instances_[ends_.top().instance];
      if (--instance.running > 0) continue;
      holdings_.busy(instance.changed, trace_.length(), bytes_of(instance));
      holdings_.held(instance.born, trace_.length(), bytes_of(instance));
    }
    holdings_.write(outcome_);
    return std::move(outcome_);
  }

 private:
  uint64_t bytes_of(const Instance& instance) const { return bytes_of(instance.function); }
  uint64_t bytes_of(uint32_t function) const { return plan::bytes_of(world_, trace_.functions()[function]); }
  static std::tuple<int, nanoseconds, size_t> key_of(const Instance& instance, size_t id) { return {-instance.running, -instance.changed, id}; }

  void set_running(size_t id, int running, nanoseconds at) {
    Instance& instance = instances_[id];
    Open& open = open_[instance.function];
    open.erase(key_of(instance, id));
    if (instance.running == 0) idle_.erase({instance.changed, id});
    if (running == 0) holdings_.busy(instance.changed, at, bytes_of(instance));
    if (running == 0 || instance.running == 0) instance.changed = at;
    instance.running = running;
    if (running == 0) idle_.insert({at, id});
    if (running < calls_per_instance(world_, trace_.functions()[instance.function])) open.insert(key_of(instance, id));
  }

  // Everything up to then, in its order.
  void end_until(nanoseconds until) {
    for (;;) {
      const nanoseconds end = ends_.empty() ? nanoseconds::max() : ends_.top().at;
      const nanoseconds gone = idle_.empty() || keep_ == nanoseconds::max() ? nanoseconds::max() : idle_.begin()->first + keep_;
      if (std::min(end, gone) > until) return;
      if (gone < end) {
        drop(idle_.begin()->second, gone);
        continue;
      }
      const size_t id = ends_.top().instance;
      ends_.pop();
      set_running(id, instances_[id].running - 1, end);
    }
  }

  void drop(size_t id, nanoseconds at) {
    const Instance& instance = instances_[id];
    holdings_.held(instance.born, at, bytes_of(instance));
    held_bytes_ -= bytes_of(instance);
    open_[instance.function].erase(key_of(instance, id));
    idle_.erase({instance.changed, id});
    free_.push_back(id);
  }

  size_t start(const TraceCall& call) {
    const uint64_t bytes = bytes_of(call.function);
    while (!idle_.empty() && held_bytes_ + bytes > world_.memory_cap_bytes)
      drop(idle_.begin()->second, call.at);
    held_bytes_ += bytes;
    size_t id = instances_.size();
    if (free_.empty()) {
      instances_.emplace_back();
    } else {
      id = free_.back();
      free_.pop_back();
    }
    instances_[id] = {.function = call.function,
                      .born = call.at,
                      .ready = call.at + (starts_at_once_ ? nanoseconds{0} : start_of(world_, trace_.functions()[call.function])),
                      .changed = call.at};
    return id;
  }

  void serve(const TraceCall& call) {
    ++outcome_.calls;
    const Open& open = open_[call.function];
    outcome_.cold += open.empty() ? 1 : 0;
    const size_t id = open.empty() ? start(call) : std::get<size_t>(*open.begin());
    const nanoseconds begins = std::max(call.at, instances_[id].ready);
    outcome_.waiting += begins > call.at ? 1 : 0;
    outcome_.waited_s += std::chrono::duration<double>(begins - call.at).count();
    set_running(id, instances_[id].running + 1, call.at);
    ends_.push({.at = begins + service_of(world_, call), .instance = id});
  }

  Trace& trace_;
  const World& world_;
  nanoseconds keep_;
  bool starts_at_once_;
  Holdings holdings_;
  Outcome outcome_;
  std::vector<Instance> instances_;
  std::vector<size_t> free_;
  std::vector<Open> open_;                         // by function
  std::set<std::pair<nanoseconds, size_t>> idle_;  // of all
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
  uint64_t held_bytes_ = 0;
};

}  // namespace

Outcome fixed_keep(Trace& trace, const World& world, nanoseconds keep) {
  return Pool(trace, world, keep).run(fmt::format("kept for {}", wire::format_duration(std::chrono::round<milliseconds>(keep))));
}

Outcome least_recent(Trace& trace, const World& world) { return Pool(trace, world, nanoseconds::max()).run("least recently used goes first"); }

Outcome always_on(Trace& trace, const World& world) {
  World uncapped = world;
  uncapped.memory_cap_bytes = 1ULL << 60U;
  Outcome outcome = Pool(trace, uncapped, nanoseconds::max(), Starts::kAtOnce).run("always on");
  // The instances that there are in the end are those that were needed at most; here they are there from the start.
  double gib = 0;
  for (const Moment& moment : outcome.over_time)
    gib = std::max(gib, moment.held_gib);
  const double minutes = std::chrono::duration<double>(trace.length()).count() / 60;
  outcome.idle_gib_min = std::max(gib * minutes - outcome.busy_gib_min, 0.0);
  outcome.instance_s = static_cast<double>(outcome.cold) * minutes * 60;
  outcome.cold = outcome.waiting = 0;
  outcome.peak_gib = gib;
  for (Moment& moment : outcome.over_time)
    moment.held_gib = gib;
  return outcome;
}

}  // namespace ebb::plan
