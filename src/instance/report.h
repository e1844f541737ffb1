// What the fleet tells about workers, checked and typed: nothing of a worker's frames goes further up than this.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "domain/call.h"

namespace ebb::instance {

struct SlotsReady {
  WorkerId worker;
  int slots = 0;
};
struct WorkerParked {
  WorkerId worker;
};
struct WorkProgress {
  WorkerId worker;
};
struct WorkerLog {
  WorkerId worker;
  std::string line;
};
// The process is gone and reaped, its channel closed. `error` is what it said itself before it went (a model that does not load).
struct WorkerGone {
  WorkerId worker;
  std::string reason;
  std::optional<Error> error;
};

struct CallStarted {
  WorkerId worker;
  CallId call;
  domain::Started started;
};
struct CallText {
  WorkerId worker;
  CallId call;
  domain::Text text;
};
struct CallVector {
  WorkerId worker;
  CallId call;
  domain::Vector vector;
};
// A piece of an answer that is no text: TensorStart, Bytes, Labels, HttpHead or Trailers.
struct CallPiece {
  WorkerId worker;
  CallId call;
  domain::CallEvent piece;
};
struct CallTaken {  // so many bytes of the call's body
  WorkerId worker;
  CallId call;
  size_t bytes = 0;
};
struct CallFinished {  // the slot is free again
  WorkerId worker;
  CallId call;
  bool cancelled = false;
  domain::Finished finished;
  MonoTime ended;  // as the worker says
};
struct CallRefused {  // the worker could not run this input; the slot is free again
  WorkerId worker;
  CallId call;
  Error error;
  MonoTime ended;  // as the worker says
};

// When a call ended for which a worker said `said`, and which is known of now. The server may have waited for a processor since, and nobody pays for that; but
// a worker is believed no more than a few milliseconds, and no time to come.
MonoTime believed_end(MonoTime said, MonoTime now);

// The end of a connection that a function had outside.
struct EgressEnded {
  enum class Outcome { kPassed, kRefused, kFailed };
  WorkerId worker;
  Outcome outcome = Outcome::kPassed;
  std::string what;  // for its log; may be empty
  uint64_t sent_bytes = 0;
  uint64_t received_bytes = 0;
};

struct SandboxReport {
  struct Layer {
    std::string name;
    bool active = false;
    std::string detail;
  };
  std::vector<Layer> layers;
};
struct ContainersReport {
  std::string runtime;
};
// All workers are gone with it; each has its own WorkerGone before this.
struct SpawnerGone {
  std::string reason;
};

using Report = std::variant<SlotsReady, WorkerParked, WorkProgress, WorkerLog, WorkerGone, CallStarted, CallText, CallVector, CallPiece, CallTaken,
                            CallFinished, CallRefused, EgressEnded, SandboxReport, ContainersReport, SpawnerGone>;

}  // namespace ebb::instance
