// One turn of a model: the calls that wait are begun, one batch of their parts is run, and what came of it is told to each.
//
// A turn runs on the runner's thread and owns its calls meanwhile; only cancel() may be called from another.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.h"
#include "engine/engine.h"
#include "engine_onnx/model.h"
#include "engine_onnx/work.h"

namespace ebb::engine_onnx {

struct RunningCall {
  CallId id;
  std::unique_ptr<Work> work;
  bool begun = false;
  std::deque<size_t> left = {};  // parts that were not run yet, in order
  size_t taken = 0;              // parts whose outputs came
  bool ended = false;            // its last event was told
};

class Turn {
 public:
  // The calls in the order of their turns; the first that has parts left decides what is run. All must outlive the turn.
  Turn(Model& model, int threads, std::vector<std::shared_ptr<RunningCall>> calls);

  // Once.
  void run();
  // What run() has to tell, when it has returned.
  std::vector<engine::StepEvent> take_events() { return std::move(events_); }

  // No part of the call is begun any more, and a run that is only for it is stopped. Any thread. Returns whether a run was stopped.
  bool cancel(CallId call);

 private:
  struct Part {
    RunningCall* call = nullptr;
    size_t index = 0;
    int64_t rows = 1;
    std::vector<domain::Tensor> inputs = {};
  };
  using Outputs = std::vector<domain::Tensor>;

  void begin(RunningCall& call);
  std::vector<Part> choose();
  void make_inputs(std::vector<Part>& parts);
  // Together; where that fails, each by itself, so that an input which the model cannot compute fails no call but its own.
  void compute(std::vector<Part> parts);
  Result<std::vector<Outputs>> compute_together(std::span<const Part> parts);
  Result<Outputs> run_model(std::span<const Part> parts, std::span<const domain::Tensor> inputs);
  void hand_out(const Part& part, Outputs outputs);
  // What it has for its caller, and its end if that was all.
  void give_out(RunningCall& call);
  void fail_call(RunningCall& call, Error error);
  bool is_cancelled(const RunningCall& call);

  Model& model_;
  int threads_;
  std::vector<std::shared_ptr<RunningCall>> calls_;
  std::vector<engine::StepEvent> events_;

  std::mutex mutex_;  // of what is below
  std::vector<CallId> cancelled_;
  std::vector<CallId> in_run_;  // whose parts the model computes now
  std::optional<Ort::RunOptions> options_;
};

}  // namespace ebb::engine_onnx
