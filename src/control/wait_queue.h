// Calls of one endpoint that wait, and whose turn it is: by class, within a class by tenant, of a tenant in the order in which they came.
//
// Tenants of a class share the slots by a virtual token counter: whoever was served least is next, what is expected of a call is charged when it is
// dispatched and made true when it ends, and a tenant that comes back is lifted to the least of those that wait, so that nobody saves up claims
// (Sheng et al., "Fairness in Serving Large Language Models", OSDI 2024: VTC with predicted lengths). Pure values.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "domain/priority.h"

namespace ebb::control {

inline bool higher(domain::Priority a, domain::Priority b) { return a < b; }

// What a call took of its endpoint: prompt tokens and, since each takes a step of its own, twice the tokens of its answer; where there are none, its
// milliseconds in the worker.
int64_t service_of(int64_t prompt_tokens, int64_t completion_tokens, nanoseconds busy);

// Counters of a class begin anew once nobody in it waits or runs; what calls take is remembered of a few tenants.
class WaitQueue {
 public:
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  // Those that are served before a newcomer of this class: of higher classes, and of its own.
  size_t before(domain::Priority priority) const;

  void push(domain::Priority priority, const std::string& tenant, CallId call);
  // It had a slot, and lost it by no fault of its own: next of its tenant.
  void push_front(domain::Priority priority, const std::string& tenant, CallId call);
  // Class of the next call; nullopt: nobody waits.
  std::optional<domain::Priority> next_class() const;
  // The next call; there must be one.
  CallId next() const;
  // A waiting call is over.
  void erase(domain::Priority priority, const std::string& tenant, CallId call);
  // Takes the next call for a slot, and charges what is expected of it. Returns that charge.
  struct Taken {
    CallId call;
    int64_t charged = 0;
  };
  Taken take();
  // A call that was taken has ended, and took so much; or it lost its slot and waits again: `took` is then nothing.
  void settle(domain::Priority priority, const std::string& tenant, int64_t charged, std::optional<int64_t> took);

  // Who makes room for a newcomer where all places are taken: the last one of the longest line in the lowest class below its own; where none waits there, of
  // a tenant of its own class with at least two calls more in line. nullopt: nobody.
  std::optional<CallId> displaced_by(domain::Priority priority, const std::string& tenant) const;

  // In no order of service.
  std::vector<CallId> all() const;
  template <class Visit>
  void each(Visit&& visit) const {
    for (const Class& in : classes_) {
      for (const auto& [tenant, line] : in.lines)
        for (const CallId call : line.calls)
          visit(call);
    }
  }

  bool operator==(const WaitQueue&) const = default;

 private:
  struct Line {
    std::list<CallId> calls;
    int running = 0;
    int64_t served = 0;
    int64_t expected = 0;  // of a call: moving average
    bool operator==(const Line&) const = default;
  };
  struct Class {
    std::map<std::string, Line, std::less<>> lines;  // by tenant
    size_t waiting = 0;
    int running = 0;
    int64_t left_at = 0;   // counter of whoever was the last to wait
    int64_t expected = 0;  // of a call of a tenant that had none yet
    bool operator==(const Class&) const = default;
  };
  Class& of(domain::Priority priority) { return classes_[static_cast<size_t>(priority)]; }
  const Class& of(domain::Priority priority) const { return classes_[static_cast<size_t>(priority)]; }
  // The least served of those that wait, or null. Those of whom nothing is known come after the others once they have a call that runs.
  static const std::pair<const std::string, Line>* least_served(const Class& in);
  Line& enter(Class& in, const std::string& tenant);
  static void forget_if_idle(Class& in);

  std::array<Class, domain::kPriorities.size()> classes_;
  size_t size_ = 0;
};

}  // namespace ebb::control
