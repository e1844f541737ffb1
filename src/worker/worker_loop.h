// A worker's life: blank → loaded and sealed → ready ⇄ parked, driven by the frames of wire/worker.proto until the channel ends.
//
//   server says        worker does                                   worker answers
//   (nothing yet)      libraries are loaded                          Blank
//   Prepared + descr.  keeps what was prepared from the model        -
//   Load + descriptor  loads (Progress meanwhile), seals itself      Ready{slots}, or LoadFailed and the end with kLoadFailedExit
//   Unpark, Resize     memory for so many slots                      Ready{slots it has now}: fewer than asked if memory ran out
//   Park               gives memory back; nothing may run            Parked
//   Threads            from the next step on; 0: no steps            -
//   Execute            takes the call into a free slot               Started, Progress and Text…, Finished; or Refused
//   Hold               frees the slot at once, keeps the call        -
//   Resume             the call goes on in a free slot               -
//   Cancel             frees the slot at once                        Finished{CANCELLED}; nothing for a call that already ended
//   closes             ends with 0
//
// What a step says is told at once, but for text that may wait for more (text_pace.h).
//
// One thread. Between two steps of the engine every frame that has come is handled, so a cancel or a new call waits for one step at
// most. Hold and Resume for a call that has ended are passed over, too. What is not a frame, or does not fit the state, ends the process with kProtocolExit: we
// do not guess what was meant.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "engine/engine.h"

namespace ebb::worker {

inline constexpr int kLoadFailedExit = 2;
inline constexpr int kProtocolExit = 3;
inline constexpr int kSealFailedExit = 4;

struct WorkerSetup {
  Fd channel;
  std::string engine_name;
  std::string engine_version;
  engine::Loader load;
  bool needs_model = true;  // Load must come with a descriptor
  // Gives up every right that running needs no more (sandbox/confine.h). Called once, after loading and before Ready; an error ends
  // the worker with kSealFailedExit.
  std::function<Status()> seal;
};

// Returns the process's exit status.
int run_worker(WorkerSetup setup);

}  // namespace ebb::worker
