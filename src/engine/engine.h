// What a worker runs: one loaded artifact with a number of slots, advanced step by step by one thread.
//
// The worker's loop owns the engine and is its only caller. A step is short (one batch), so that cancels and new calls are seen
// between two steps. Engines never read clocks for decisions and never touch descriptors other than the one they were handed.
// An engine may be fed by a hostile caller: whatever Execute says ends in a refusal, never in undefined behaviour.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "domain/call.h"

namespace ebb::engine {

struct LoadOptions {
  std::string model_name;
  int64_t context_tokens = 4096;  // of one slot
  int slots = 1;                  // 0: load only, stay parked
  int threads = 1;
  uint64_t tensor_bytes_max = 0;    // what the runs of a model may take together; 0: no other bound than the engine's own
  int prepared = -1;                // a descriptor of what was prepared from the model, for the time of loading; -1: none
  int prefixes = -1;                // a file for what sequences knew, to be read and written as long as the worker lives; -1: none
  std::string prefixes_key = {};    // what its seals are made with
  uint64_t prefixes_bytes_max = 0;  // what it may grow to
  std::function<void(const std::string& line)> log = [](const std::string& /*nobody listens*/) {};  // for the endpoint's log, while loading
};

// What a step did for one call: kStarted first, then kProgress and pieces of the answer, then exactly one of kFinished, kCancelled and kFailed.
struct StepEvent {
  CallId call;
  enum class Kind { kStarted, kProgress, kText, kVector, kTensor, kLabels, kFinished, kCancelled, kFailed } kind = Kind::kText;
  domain::Text text = {};          // kText
  std::vector<float> values = {};  // kVector
  domain::Tensor tensor = {};      // kTensor: one output, whole
  domain::Labels labels = {};      // kLabels: of the next item
  int64_t prompt_done = 0;         // kProgress: prompt tokens computed …
  int64_t prompt_tokens = 0;       // … of so many; kStarted, kFinished, kCancelled
  int64_t cached_tokens = 0;       // kStarted: how many of them were known from an earlier call
  microseconds restore{0};         // kStarted: what it took to bring them back from where they were saved
  int64_t completion_tokens = 0;   // kFinished, kCancelled, kFailed
  domain::FinishReason reason = domain::FinishReason::kStop;
  Error error = {};  // kFailed
};

class Engine {
 public:
  virtual ~Engine() = default;

  // Memory for `slots` executions (at least 1): from parked, or growing or shrinking between two steps; running calls keep running,
  // so it never shrinks below their number; held ones stay beside them. Error kExhausted: not enough memory; the former slots stay as they were.
  virtual Status set_slots(int slots) = 0;
  virtual int slots() const = 0;
  // Gives back everything but the weights and what is dear to make. Only without calls, held ones included.
  virtual void park() = 0;
  // Takes effect with the next step. At least 1.
  virtual void set_threads(int threads) = 0;

  // Accepts the call into a free slot. Error: kInvalid (with param; code "context_length_exceeded" where it is that), kOverloaded
  // when no slot is free.
  virtual Status execute(CallId call, const domain::Call& what) = 0;
  // Frees the call's slot at once and says how far it got (kCancelled). nullopt: no such call runs.
  virtual std::optional<StepEvent> cancel(CallId call) = 0;
  // The call computes nothing until it is resumed, and its slot is free at once; its answer is what it would have been. Slots and held calls together may be
  // domain::slots_max() at most. A call that does not run is passed over; an engine that cannot hold (domain::can_hold) passes over all.
  virtual void hold(CallId call) { (void)call; }
  // It goes on where it was. Error kOverloaded: no slot is free, and it stays held. A call that is not held is passed over.
  virtual Status resume(CallId call) {
    (void)call;
    return {};
  }

  // Whether a step would do something: held calls want none.
  virtual bool busy() const = 0;
  // A batch of running calls, higher classes (domain::Priority) before lower ones.
  virtual std::vector<StepEvent> step() = 0;
  // How long the caller may wait for other things before the next step. Only an engine that is paced by a clock says more than zero.
  virtual nanoseconds wait_before_step() const { return nanoseconds{0}; }
  // Bytes to be written to the server as they are, after the events of the last step. Only an engine that plays a broken worker has any.
  virtual std::string take_raw_output() { return {}; }
};

using Progress = std::function<void(int64_t done, int64_t total)>;

// Makes the engine for what the descriptor holds (empty: nothing; it may be mapped but is never reopened). `progress` may be called
// meanwhile, and later in steps that take long: it must live as long as the engine.
using Loader = std::function<Result<std::unique_ptr<Engine>>(Fd model, const LoadOptions& options, const Progress& progress)>;

// The refusal of a call that this model is not for: "The model of this endpoint <does what it does>: …".
Error not_what_it_does(std::string_view what_it_does);

// The refusal of one call too many.
Error all_slots_taken(int slots);

// The refusal of a prompt that leaves no room for an answer.
Error context_exceeded(int64_t prompt_tokens, int64_t context_tokens);

}  // namespace ebb::engine
