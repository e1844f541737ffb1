// One pass over the trace; instances are kept by function, the last used on top.
#include "plan/fixed.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <queue>
#include <set>
#include <vector>

#include "control/fact.h"
#include "plan/holdings.h"

namespace ebb::plan {

namespace {

struct Instance {
  uint32_t function = 0;
  nanoseconds born{0};
  nanoseconds idle_since{0};
};

struct End {
  nanoseconds at{0};
  size_t instance = 0;
  bool operator>(const End& other) const { return at != other.at ? at > other.at : instance > other.instance; }
};

// Instances come and go; `keep` and `cap` say when. With one of both absent this is each of the policies.
class Pool {
 public:
  Pool(Trace& trace, const World& world, nanoseconds keep)
      : trace_(trace), world_(world), keep_(keep), holdings_(trace.length()), idle_(trace.functions().size()) {}

  Outcome run(std::string policy) {
    outcome_.policy = std::move(policy);
    trace_.rewind();
    while (const std::optional<TraceCall> call = trace_.next()) {
      end_until(call->at);
      serve(*call);
    }
    end_until(nanoseconds::max());
    for (const auto& [since, instance] : by_idle_)
      holdings_.held(instances_[instance].born, std::min(since + keep_from(since), trace_.length()), bytes_of(instances_[instance].function));
    holdings_.write(outcome_);
    return std::move(outcome_);
  }

 private:
  nanoseconds keep_from(nanoseconds since) const { return std::min(keep_, nanoseconds::max() - since); }
  uint64_t bytes_of(uint32_t function) const {
    const int64_t mib = trace_.functions()[function].memory_mib;
    return static_cast<uint64_t>(mib > 0 ? mib : world_.memory_mib) << 20U;
  }

  void end_until(nanoseconds until) {
    while (!ends_.empty() && ends_.top().at <= until) {
      const End end = ends_.top();
      ends_.pop();
      Instance& instance = instances_[end.instance];
      instance.idle_since = end.at;
      idle_[instance.function].insert({end.at, end.instance});
      by_idle_.insert({end.at, end.instance});
    }
    while (!by_idle_.empty() && keep_ != nanoseconds::max() && by_idle_.begin()->first + keep_ < until && until != nanoseconds::max())
      drop(by_idle_.begin()->second, by_idle_.begin()->first + keep_);
  }

  void drop(size_t id, nanoseconds at) {
    const Instance& instance = instances_[id];
    holdings_.held(instance.born, at, bytes_of(instance.function));
    held_bytes_ -= bytes_of(instance.function);
    idle_[instance.function].erase({instance.idle_since, id});
    by_idle_.erase({instance.idle_since, id});
    free_.push_back(id);
  }

  size_t start(const TraceCall& call) {
    const uint64_t bytes = bytes_of(call.function);
    while (!by_idle_.empty() && held_bytes_ + bytes > world_.memory_cap_bytes)
      drop(by_idle_.begin()->second, call.at);
    held_bytes_ += bytes;
    size_t id = instances_.size();
    if (free_.empty())
      instances_.emplace_back();
    else {
      id = free_.back();
      free_.pop_back();
    }
    instances_[id] = {.function = call.function, .born = call.at};
    return id;
  }

  void serve(const TraceCall& call) {
    ++outcome_.calls;
    const nanoseconds service = call.service.count() > 0 ? call.service : world_.service;
    auto& idle = idle_[call.function];
    if (idle.empty()) {
      ++outcome_.cold;
      outcome_.waited_s += std::chrono::duration<double>(world_.start).count();
      const size_t id = start(call);
      holdings_.busy(call.at, call.at + world_.start + service, bytes_of(call.function));
      ends_.push({.at = call.at + world_.start + service, .instance = id});
      return;
    }
    const auto [since, id] = *std::prev(idle.end());
    idle.erase({since, id});
    by_idle_.erase({since, id});
    holdings_.busy(call.at, call.at + service, bytes_of(call.function));
    ends_.push({.at = call.at + service, .instance = id});
  }

  Trace& trace_;
  const World& world_;
  nanoseconds keep_;
  Holdings holdings_;
  Outcome outcome_;
  std::vector<Instance> instances_;
  std::vector<size_t> free_;
  std::vector<std::set<std::pair<nanoseconds, size_t>>> idle_;  // by function
  std::set<std::pair<nanoseconds, size_t>> by_idle_;            // of all
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
  uint64_t held_bytes_ = 0;
};

}  // namespace

Outcome fixed_keep(Trace& trace, const World& world, nanoseconds keep) {
  return Pool(trace, world, keep).run(fmt::format("kept for {}", control::words(keep)));
}

Outcome least_recent(Trace& trace, const World& world) { return Pool(trace, world, nanoseconds::max()).run("least recently used goes first"); }

Outcome always_on(Trace& trace, const World& world) {
  World uncapped = world;
  uncapped.memory_cap_bytes = 1ULL << 60U;
  uncapped.start = nanoseconds{0};
  Outcome outcome = Pool(trace, uncapped, nanoseconds::max()).run("always on");
  // The instances that there are in the end are those that were needed at most; here they are there from the start.
  double gib = 0;
  for (const Moment& moment : outcome.over_time)
    gib = std::max(gib, moment.held_gib);
  const double minutes = std::chrono::duration<double>(trace.length()).count() / 60;
  outcome.idle_gib_min = std::max(gib * minutes - outcome.busy_gib_min, 0.0);
  outcome.instance_s = static_cast<double>(outcome.cold) * minutes * 60;
  outcome.cold = 0;
  outcome.peak_gib = gib;
  for (Moment& moment : outcome.over_time)
    moment.held_gib = gib;
  return outcome;
}

}  // namespace ebb::plan
