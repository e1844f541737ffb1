// The library's context for whole texts: each text of a batch gets one vector, by the model's own pooling.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine_llama/backend.h"
#include "engine_llama/loaded_model.h"
#include "engine_llama/schedule.h"

struct llama_context;

namespace ebb::engine_llama {

class PooledBatch {
 public:
  // Address space for a batch of so many tokens; memory is taken by what is computed. Error kExhausted.
  static Result<std::unique_ptr<PooledBatch>> make(const LoadedModel& model, int64_t tokens, const Threads& threads);
  ~PooledBatch();
  PooledBatch(const PooledBatch&) = delete;
  PooledBatch& operator=(const PooledBatch&) = delete;

  void use(const Threads& threads);
  // At least one text and at most kBatchTexts, none empty, together not more tokens than the batch has. Error kInternal: the library failed.
  Status compute(std::span<const std::vector<Token>> texts);
  // Of a text of the last batch; valid until the next.
  std::span<const float> vector(size_t text) const;

 private:
  PooledBatch(llama_context* context, size_t width, size_t tokens) : context_(context), width_(width), tokens_max_(tokens) {}

  llama_context* context_;
  size_t width_;
  size_t tokens_max_;
};

}  // namespace ebb::engine_llama
