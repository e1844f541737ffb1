// How calls reach a function: by HTTP to its port (http_function.h), in Azure's envelopes (azure_function.h), or when it asks for them
// (lambda_runtime.h). One for each instance, on the worker's loop.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "container/sandbox.h"
#include "function/call.h"
#include "io/asio.h"

namespace ebb::function {

class Invoker {
 public:
  virtual ~Invoker() = default;
  // Before the function's program runs.
  virtual Status prepare() = 0;
  // Once it runs: returns when the function is ready by its contract. Error: it said itself that it never will be. Without an end else: the worker
  // has the deadline.
  virtual io::Task<Status> ready() = 0;
  // Until then: what it lacks, as the rest of a sentence about the function ("does not listen on port 8080").
  virtual std::string lacks() const = 0;
  // Returns at once; the call is served by coroutines from here on.
  virtual void invoke(std::shared_ptr<Call> call) = 0;
  // The call's time is over: its last word.
  virtual void end_late(Call& call) = 0;
  // The function's process is gone: the last word of a call that it had been given.
  virtual void end_with_function(Call& call, const container::EndOfFunction& end) = 0;
  // Whether the function can go on after a call of it was broken off.
  virtual bool outlives_broken_calls() const = 0;
  // The function is about to be frozen: what it would find broken when it wakes is given up.
  virtual void freeze() = 0;
  // It goes on, and a call is on its way.
  virtual void thawed() = 0;
};

// The code of an error for a way to end: function_exited, function_out_of_memory, function_out_of_pids.
std::string code_of(const container::EndOfFunction& end);
Error error_of(const container::EndOfFunction& end);

}  // namespace ebb::function
