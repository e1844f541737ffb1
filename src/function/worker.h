// The life of a container worker: one instance of a function, driven by the frames of wire/worker.proto until the channel or the function ends.
//
//   server says            worker does                                             worker answers
//   (nothing yet)                                                                  Blank
//   Load{container}        prepares the sandbox, seals itself; with egress        Egress, and the listening socket
//                          with slots > 0
//                          as for the first Unpark                                 Ready{0}; or LoadFailed and the end with kLoadFailedExit
//   Unpark, the first      runs the program, waits until it is ready               Progress…, Ready{slots}; or LoadFailed, kLoadFailedExit
//   Unpark, later; Resize  thaws                                                   Ready{slots}
//   Park                   freezes; nothing may run                                Parked
//   Execute, Input, Credit one call, by the function's contract                    Started, Taken…, HttpHead, Bytes…, Trailers, Finished; or Refused
//   Cancel                 lets go of the call                                     Finished{CANCELLED}
//   End{grace}             thaws, SIGTERM where the contract has it, waits so long          (nothing more than Log), and ends with 0
//   closes                 ends with 0, and the sandbox with it, without a word to the function
//
// What the function writes is logged, at most so much. When its process ends, calls that it had been given get their last word, a Log line says
// how it ended, and the worker ends with kFunctionEndedExit; calls that it had not been given are the server's to try again.
// One thread. What is not a frame, or does not fit the state, ends the worker with worker::kProtocolExit.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "domain/function.h"
#include "domain/limits.h"
#include "function/instance.h"
#include "io/clock.h"

namespace ebb::function {

// Beside those of worker/worker_loop.h.
inline constexpr int kFunctionEndedExit = 5;

struct WorkerSetup {
  Fd channel;
  std::string version;     // of the runtime, for Blank
  std::string sandbox_id;  // instead of the one that Load has
  std::function<Result<std::unique_ptr<Instance>>(const domain::FunctionStart&)> prepare;
  // Gives up every right that serving calls needs no more. Called once, after prepare and before anything of the function or a caller is read.
  std::function<Status()> seal;
  const io::Clock& clock;
  uint64_t answer_bytes_max = domain::kFunctionAnswerBytesMax;
};

// Returns the process's exit status.
int run_function_worker(WorkerSetup setup);

}  // namespace ebb::function
