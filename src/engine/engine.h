// What a worker runs: one loaded artifact with a number of slots, advanced step by step by one thread.
//
// The worker's loop owns the engine and is its only caller. A step is short (one batch), so that cancels and new calls are seen
// between two steps. Engines never read clocks for decisions and never touch descriptors other than the one they were handed.
// An engine may be fed by a hostile caller: whatever Execute says ends in a refusal, never in undefined behaviour.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/ids.h"
#include "base/result.h"
#include "domain/call.h"

namespace ebb::engine {

struct LoadOptions {
  std::string model_name;
  int64_t context_tokens = 4096;  // of one slot
  int slots = 1;                  // 0: load only, stay parked
  int threads = 1;
};

// What a step did for one call. Exactly one event with `last` set ends each accepted call.
struct StepEvent {
  CallId call;
  enum class Kind { kStarted, kProgress, kText, kFinished, kCancelled, kFailed } kind = Kind::kText;
  std::string text = {};
  int64_t tokens = 0;             // kText: generated tokens it stands for; kProgress: prompt tokens done
  int64_t prompt_tokens = 0;      // kStarted, kFinished, kCancelled; kProgress: of so many
  int64_t completion_tokens = 0;  // kFinished, kCancelled, kFailed
  domain::FinishReason reason = domain::FinishReason::kStop;
  Error error = {};  // kFailed
};

class Engine {
 public:
  virtual ~Engine() = default;

  virtual std::string version() const = 0;

  // Loads from the descriptor (-1: none; the engine may map it but never reopens it). `progress` may be called during it.
  virtual Status load(Fd model, const LoadOptions& options, const std::function<void(int64_t done, int64_t total)>& progress) = 0;

  // Memory for `slots` executions: from parked, or growing or shrinking between two steps; running calls keep running.
  // Error kExhausted: not enough memory; the former slots stay as they were.
  virtual Status set_slots(int slots) = 0;
  virtual int slots() const = 0;
  // Gives back everything but the weights and what is dear to make. Only without running calls.
  virtual void park() = 0;
  // Takes effect with the next step. At least 1.
  virtual void set_threads(int threads) = 0;

  // Accepts the call into a free slot. Error: kInvalid (with param; code "context_length_exceeded" where it is that), kOverloaded
  // when no slot is free.
  virtual Status execute(CallId call, const domain::Call& what) = 0;
  // The call's kCancelled comes with the next step's events. Unknown calls are ignored.
  virtual void cancel(CallId call) = 0;

  virtual bool busy() const = 0;
  // One batch for all running calls; empty only when nothing runs.
  virtual std::vector<StepEvent> step() = 0;
};

}  // namespace ebb::engine
