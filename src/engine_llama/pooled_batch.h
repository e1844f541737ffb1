// The library's context for whole texts: each text of a batch gets one vector, by the model's own pooling.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "engine_llama/backend.h"
#include "engine_llama/loaded_model.h"
#include "engine_llama/schedule.h"

struct llama_context;

namespace ebb::engine_llama {

class PooledBatch {
 public:
  // Address space for kBatchTokens, or for one text of `text_tokens`; memory is taken by what is computed. `progress` shows that a long text is being
  // computed; it must outlive this. Error kExhausted.
  static Result<std::unique_ptr<PooledBatch>> make(const LoadedModel& model, int64_t text_tokens, const Threads& threads, const engine::Progress& progress);
  ~PooledBatch();
  PooledBatch(const PooledBatch&) = delete;
  PooledBatch& operator=(const PooledBatch&) = delete;

  void use(const Threads& threads);
  // At least one text and at most kBatchTexts, none empty, together at most kBatchTokens, or one of at most `text_tokens`. Error kInternal: the library failed.
  Status compute(std::span<const std::vector<Token>> texts);
  // Of a text of the last batch; valid until the next.
  std::span<const float> vector(size_t text) const;

 private:
  PooledBatch(const LoadedModel& model, size_t text_tokens, const engine::Progress& progress)
      : model_(model), text_tokens_(std::max(text_tokens, static_cast<size_t>(kBatchTokens))), progress_(progress) {}
  bool in_pieces() const;
  static bool show_progress(void* self);
  // Tokens of one text from `first` on, or of all texts from their beginnings.
  Status compute_piece(std::span<const std::span<const Token>> texts, size_t first);

  const LoadedModel& model_;
  size_t text_tokens_;
  const engine::Progress& progress_;
  llama_context* context_ = nullptr;
  bool long_ = false;  // what is being computed
  int64_t nodes_ = 0;  // of its graph, so far
};

}  // namespace ebb::engine_llama
