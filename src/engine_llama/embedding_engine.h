// Vectors of texts by llama.cpp, for models that say how the vectors of a text's tokens become one.
//
// Running calls take turns: a step cuts some texts of one call into tokens, or computes one batch of its texts. A call of thousands of texts so
// delays others by one batch (or by one text that is longer than a batch), and no vector depends on what others ask at the same time: batches hold texts of one
// call only, always the same ones.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine_llama/backend.h"
#include "engine_llama/loaded_model.h"
#include "engine_llama/pooled_batch.h"

namespace ebb::engine_llama {

class EmbeddingEngine final : public engine::Engine {
 public:
  // For a model that gives vectors. Error kExhausted: no memory for a batch.
  static Result<std::unique_ptr<engine::Engine>> make(std::unique_ptr<LoadedModel> model, const engine::LoadOptions& options, engine::Progress progress);

  Status set_slots(int slots) override;
  int slots() const override { return slots_; }
  void park() override;
  void set_threads(int threads) override;
  Status execute(CallId call, const domain::Call& what) override;
  std::optional<engine::StepEvent> cancel(CallId call) override;
  bool busy() const override { return !running_.empty() || !shown_.empty(); }
  std::vector<engine::StepEvent> step() override;

 private:
  struct Running {
    CallId call;
    domain::Texts texts;                     // each is given up when it was cut
    size_t dimensions = 0;                   // of each vector
    std::vector<std::vector<Token>> inputs;  // cut so far
    size_t computed = 0;                     // of the inputs
    int64_t tokens = 0;                      // of all inputs
  };
  using Events = std::vector<engine::StepEvent>;

  EmbeddingEngine(std::unique_ptr<LoadedModel> model, const engine::LoadOptions& options, engine::Progress progress);

  Status show(CallId call, const domain::Call& what);
  Status check(const domain::Texts& texts) const;
  // True: the call has ended.
  bool advance(Running& running, Events& events);
  Status cut_some(Running& running) const;
  Result<std::vector<Token>> tokens_of(domain::Prompt input, size_t index, bool cut_to_fit) const;
  Status compute_some(Running& running, Events& events);

  std::unique_ptr<LoadedModel> model_;
  int64_t context_tokens_;  // the most of one text
  engine::Progress progress_;
  Threads threads_;
  std::unique_ptr<PooledBatch> batch_;  // empty: parked. Before threads_ in destruction
  int slots_ = 0;
  std::deque<Running> running_;  // in the order of their turns
  Events shown_;                 // of calls that ask for their prompt only
};

}  // namespace ebb::engine_llama
