// What the core wants done. The shell does it, in order, and reports the outcome as a later event.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "domain/priority.h"
#include "domain/usage.h"

namespace ebb::control {

struct StartWorker {
  WorkerId worker;
  RevisionId revision;
  std::string endpoint;
  int slots = 1;
  int threads = 1;
};
// Give back KV and compute memory; only when idle.
struct Park {
  WorkerId worker;
};
struct Unpark {
  WorkerId worker;
  int slots = 1;
};
// Also while it runs calls.
struct Resize {
  WorkerId worker;
  int slots = 1;
};
// 0: pause between two steps until told otherwise.
struct SetThreads {
  WorkerId worker;
  int threads = 1;
};
// A second one of the same worker may shorten its time.
struct KillWorker {
  WorkerId worker;
  std::string reason;
  milliseconds grace{0};  // for a function to end by itself; 0: at once
};

struct Dispatch {
  CallId call;
  WorkerId worker;
  domain::Tier tier = domain::Tier::kWarm;
  nanoseconds queued{0};  // arrival → now
  nanoseconds start{0};   // the part of it that a start or a wake took
  domain::Priority priority = domain::Priority::kNormal;
};
// It computes nothing until it is resumed, and its slot is free at once. Only where domain::can_hold.
struct HoldCall {
  CallId call;
  WorkerId worker;
};
// Goes on where it was; a slot is free.
struct ResumeCall {
  CallId call;
  WorkerId worker;
};
struct CancelCall {
  CallId call;
  WorkerId worker;
};
// The caller gets this error now. For a call that already gave text it ends the stream. A record may still follow.
struct AnswerError {
  CallId call;
  Error error;
};
// The call is over for the core; the shell may forget it. Exactly one for each accepted call.
struct RecordUsage {
  domain::UsageRecord record;
};

// The start of an instance: a line of its own on the bill. The shell gives it an id.
struct RecordInit {
  domain::UsageRecord record;
};

struct WakeAt {
  MonoTime at;
};  // replaces any earlier one
// Nothing runs and nothing waits: the server may end.
struct Drained {};

using Act = std::variant<StartWorker, Park, Unpark, Resize, SetThreads, KillWorker, Dispatch, HoldCall, ResumeCall, CancelCall, AnswerError, RecordUsage,
                         RecordInit, WakeAt, Drained>;

struct Action {
  Act act;
  DecisionId decision;  // into the journal: why
};
using Actions = std::vector<Action>;

}  // namespace ebb::control
