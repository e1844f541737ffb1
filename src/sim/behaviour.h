// How workers behave: what Node asks for when an action reaches one. Whoever drives the simulation gives it; steady_behaviour.h has the plainest.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "control/action.h"
#include "domain/usage.h"

namespace ebb::sim {

class Node;

inline constexpr nanoseconds kNever = nanoseconds::max();

// Of a start, a wake or a resize, in the worker's own time: it stands still while it has no threads.
struct Course {
  nanoseconds after{0};  // until it says that it is ready; kNever: it does not
  int slots = 0;         // that it says it has
  bool silent = false;   // shows no progress meanwhile
};

// Of a call from its dispatch, in the worker's own time.
struct CallCourse {
  nanoseconds committed = kNever;
  nanoseconds first_text = kNever;
  nanoseconds ends{0};  // kNever: it does not
  domain::Outcome outcome = domain::Outcome::kOk;
  int prompt_tokens = 0;
  int completion_tokens = 0;
  bool silent = false;
};

// Asked in the middle of a step: nothing here may feed the node. Scheduling (Node::die, Node::lie, Node::leave_at, Node::tag_at) is allowed.
class Behaviour {
 public:
  virtual ~Behaviour() = default;
  virtual Course start(const control::StartWorker& start) = 0;
  virtual Course wake(const control::Unpark& wake) = 0;
  virtual Course resize(const control::Resize& resize) = 0;
  // Until it says that it is parked.
  virtual nanoseconds park(WorkerId worker) = 0;
  virtual CallCourse run(const control::Dispatch& dispatch) = 0;
  // Until the slot is free; kNever: it ignores the cancel and goes on.
  virtual nanoseconds cancel(const control::CancelCall& cancel) = 0;
  // Until the process is gone, in real time; a kill always works.
  virtual nanoseconds kill(const control::KillWorker& kill) = 0;
  // As a measurement would have it; asked for each reading.
  virtual uint64_t memory_bytes(WorkerId worker) = 0;
  // The time of a tag of Node::tag_at has come; here the node may be fed.
  virtual void reached(Node& node, uint64_t tag) = 0;
};

}  // namespace ebb::sim
