// Whether a call may join its endpoint's queue, whether it may still be run, and when to come back if not. Pure.
#pragma once

#include <optional>

#include "base/result.h"
#include "base/time.h"
#include "domain/endpoint.h"
#include "domain/priority.h"

namespace ebb::control {

// What calls take in their slot: moving averages of it, and of how far they are from it (as TCP estimates round trips, RFC 6298).
struct ServiceTime {
  nanoseconds mean{0};  // 0: not known
  nanoseconds deviation{0};
  bool operator==(const ServiceTime&) const = default;
};
void learn(ServiceTime& service, nanoseconds took);
// Hardly a call takes longer.
nanoseconds most(const ServiceTime& service);

// Calls of class normal that wait longer than is good, one after the other, and others that are refused because the limits are reached: more come than are
// served. If some must be refused, it is better to refuse some more, at once, so that those who are let in wait shortly. Callers who all wait for each other,
// or a burst that fits into the queue, are no such thing: nobody is refused. Once the queue stands, it does until it is empty.
struct StandingQueue {
  MonoTime since{MonoTime::max()};  // all that were dispatched since then had waited too long, at least until it stood
  bool refused = false;             // somebody was, for its limits
  bool operator==(const StandingQueue&) const = default;
};
// A call of class normal gets its slot after `waited`, starts left out; `last`: no other of the class waits.
void dispatched(StandingQueue& standing, nanoseconds waited, bool last, const ServiceTime& service, MonoTime now);
// What is good: newcomers wait no longer than this once the queue stands.
nanoseconds good_wait(const ServiceTime& service);
bool stands(const StandingQueue& standing, MonoTime now);

// Second tries of calls whose worker died: a tenth of the calls, and some at once. A worker that dies of what its calls do shall not be fed with them for ever.
struct RetryBudget {
  int tenths = 10 * 100;  // so many tries are left, times ten
  bool operator==(const RetryBudget&) const = default;
};
void accepted(RetryBudget& budget);
// False: no more for now.
bool take_retry(RetryBudget& budget);

struct WaitQuestion {
  domain::Priority priority = domain::Priority::kNormal;
  int before = 0;      // calls that wait and are served before it …
  int waiting = 0;     // … of so many …
  int running = 0;     // … and those that hold a slot which it may not take
  int slots = 0;       // that work off the queue; 0: none yet
  bool ready = false;  // a worker is
  ServiceTime service;
  domain::CallLimits limits;
  nanoseconds time_left{0};   // until the caller's deadline
  bool stands = false;        // the queue does
  bool may_displace = false;  // one of the waiting calls would make room for it
};

// How long a call that joins now will wait, by what is known. Zero where nothing is known.
nanoseconds expected_wait(const WaitQuestion& question);

// All places are taken, or the wait would be longer than limits.wait.
bool reaches_limits(const WaitQuestion& question);

// The refusal, or nothing: the call may wait.
std::optional<Error> refuse_wait(const WaitQuestion& question);
// Of a waiting call that made room for another.
Error displaced(const WaitQuestion& question);

// Of a call whose turn it is, and that can no longer be done in time; nullopt: it is begun.
std::optional<Error> too_late(const ServiceTime& service, nanoseconds time_left);

}  // namespace ebb::control
