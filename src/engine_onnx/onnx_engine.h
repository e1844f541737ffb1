// The engine of ONNX models: tensors, and the tasks that a package says its model is for.
//
// The model runs on a thread of its own. A step hands it what waits and looks at what came back; while a run takes long, steps return empty-handed
// after a moment, so that the worker sees a cancel (which stops the run) and the server sees that it is alive.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "engine/engine.h"
#include "engine_onnx/model.h"
#include "engine_onnx/runner.h"
#include "engine_onnx/task.h"
#include "engine_onnx/turn.h"

namespace ebb::engine_onnx {

// An engine::Loader; init_library must have been called. Errors: of Model::load, and kCorrupt where the manifest and the model do not fit together.
Result<std::unique_ptr<engine::Engine>> load_engine(Fd model, const engine::LoadOptions& options, const engine::Progress& progress);

class OnnxEngine final : public engine::Engine {
 public:
  OnnxEngine(std::unique_ptr<Model> model, std::unique_ptr<Task> task, const engine::LoadOptions& options);
  ~OnnxEngine() override;

  Status set_slots(int slots) override;
  int slots() const override { return slots_; }
  void park() override;
  void set_threads(int threads) override;
  Status execute(CallId call, const domain::Call& what) override;
  std::optional<engine::StepEvent> cancel(CallId call) override;
  bool busy() const override { return !calls_.empty() || turn_ != nullptr; }
  std::vector<engine::StepEvent> step() override;

 private:
  using Events = std::vector<engine::StepEvent>;
  using Calls = std::deque<std::shared_ptr<RunningCall>>;  // shared with the turn, which may outlive a call that was cancelled

  Result<std::unique_ptr<Work>> work_for(const domain::Call& what) const;
  Calls::iterator find(CallId call);
  void start_turn();
  Events end_turn();
  Events show_life();
  // A run that was told to stop and does not: an operator that takes too long to be waited for.
  void wait_for_stopped_run();

  std::unique_ptr<Model> model_;
  std::unique_ptr<Task> task_;  // nullptr: tensors only
  int threads_ = 1;
  int slots_ = 0;
  Calls calls_;                 // in the order of their turns
  std::unique_ptr<Turn> turn_;  // under way
  bool stopped_ = false;        // its run was told to stop
  int silent_steps_ = 0;        // since it began, or since life was shown
  Runner runner_;               // last: its thread uses the turn
};

}  // namespace ebb::engine_onnx
