// Every text is a sequence of its own, computed in one piece.
#include "engine_llama/pooled_batch.h"

#include <fmt/format.h>
#include <llama.h>

#include "base/check.h"

namespace ebb::engine_llama {

Result<std::unique_ptr<PooledBatch>> PooledBatch::make(const LoadedModel& model, int64_t tokens, const Threads& threads) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = params.n_batch = params.n_ubatch = static_cast<uint32_t>(tokens);
  params.n_seq_max = static_cast<uint32_t>(kBatchTexts);
  params.kv_unified = true;  // for models that keep one: a batch is all that is ever in it
  params.embeddings = true;
  // Unlike for text, the fused kernels stay: whole texts are computed the same with any number of threads, and without them it takes twice as long.
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_AUTO;
  params.no_perf = true;
  llama_context* const context = llama_init_from_model(model.get(), params);
  if (context == nullptr) return fail(ErrorKind::kExhausted, fmt::format("there is no memory for texts of {} tokens: {}", tokens, take_library_error()));
  std::unique_ptr<PooledBatch> batch(new PooledBatch(context, model.width(), static_cast<size_t>(tokens)));
  batch->use(threads);
  return batch;
}

PooledBatch::~PooledBatch() { llama_free(context_); }

void PooledBatch::use(const Threads& threads) { threads.attach(context_); }

Status PooledBatch::compute(std::span<const std::vector<Token>> texts) {
  EBB_CHECK(!texts.empty() && texts.size() <= kBatchTexts);
  std::vector<Token> tokens;
  std::vector<int32_t> positions;
  std::vector<int32_t> owners;
  for (size_t i = 0; i < texts.size(); ++i) {
    EBB_CHECK(!texts[i].empty());
    for (size_t at = 0; at < texts[i].size(); ++at) {
      tokens.push_back(texts[i][at]);
      positions.push_back(static_cast<int32_t>(at));
      owners.push_back(static_cast<int32_t>(i));
    }
  }
  EBB_CHECK(tokens.size() <= tokens_max_);
  std::vector<int32_t> counts(tokens.size(), 1);
  std::vector<int8_t> outputs(tokens.size(), 1);
  std::vector<int32_t*> sequences(tokens.size());
  for (size_t i = 0; i < sequences.size(); ++i)
    sequences[i] = &owners[i];
  const llama_batch batch{.n_tokens = static_cast<int32_t>(tokens.size()),
                          .token = tokens.data(),
                          .embd = nullptr,
                          .pos = positions.data(),
                          .n_seq_id = counts.data(),
                          .seq_id = sequences.data(),
                          .logits = outputs.data()};
  llama_memory_t memory = llama_get_memory(context_);
  if (memory != nullptr) llama_memory_clear(memory, false);
  // One without a memory is an encoder.
  const int failed = memory == nullptr ? llama_encode(context_, batch) : llama_decode(context_, batch);
  llama_synchronize(context_);
  if (failed != 0) return fail(ErrorKind::kInternal, fmt::format("the engine could not compute a batch (code {}): {}", failed, take_library_error()));
  return {};
}

std::span<const float> PooledBatch::vector(size_t text) const {
  const float* const values = llama_get_embeddings_seq(context_, static_cast<llama_seq_id>(text));
  EBB_CHECK(values != nullptr);
  return {values, width_};
}

}  // namespace ebb::engine_llama
