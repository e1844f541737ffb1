// Every text is a sequence of its own, computed in one piece wherever its tokens see each other.
#include "engine_llama/pooled_batch.h"

#include <fmt/format.h>
#include <llama.h>

#include "base/check.h"

namespace ebb::engine_llama {

namespace {

// Steps of a computation between two signs of life: some ten milliseconds of a large model.
constexpr int64_t kNodesPerSign = 64;

}  // namespace

Result<std::unique_ptr<PooledBatch>> PooledBatch::make(const LoadedModel& model, int64_t text_tokens, const Threads& threads,
                                                       const engine::Progress& progress) {
  std::unique_ptr<PooledBatch> batch(new PooledBatch(model, static_cast<size_t>(text_tokens), progress));
  llama_context_params params = llama_context_default_params();
  params.n_ctx = static_cast<uint32_t>(batch->text_tokens_);
  params.n_batch = batch->in_pieces() ? static_cast<uint32_t>(kBatchTokens) : params.n_ctx;
  params.n_ubatch = params.n_batch;
  params.n_seq_max = static_cast<uint32_t>(kBatchTexts);
  params.kv_unified = true;  // for models that keep one: a batch is all that is ever in it
  params.embeddings = true;
  // Unlike for text, the fused kernels stay: whole texts are computed the same with any number of threads, and without them it takes twice as long.
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_AUTO;
  params.abort_callback = show_progress;
  params.abort_callback_data = batch.get();
  params.no_perf = true;
  batch->context_ = llama_init_from_model(model.get(), params);
  if (batch->context_ == nullptr)
    return fail(ErrorKind::kExhausted, fmt::format("there is no memory for texts of {} tokens: {}", text_tokens, take_library_error()));
  batch->use(threads);
  return batch;
}

PooledBatch::~PooledBatch() {
  if (context_ != nullptr) llama_free(context_);
}

void PooledBatch::use(const Threads& threads) { threads.attach(context_); }

// Where the last token has seen all others and none sees a later one, a long text need not be in one piece: the library would make outputs of the
// whole vocabulary for each of its tokens.
bool PooledBatch::in_pieces() const { return model_.pools_last_of_causal(); }

// Never aborts.
bool PooledBatch::show_progress(void* self) {
  auto& batch = *static_cast<PooledBatch*>(self);
  if (batch.long_ && ++batch.nodes_ % kNodesPerSign == 0) batch.progress_(batch.nodes_, 0);
  return false;
}

Status PooledBatch::compute(std::span<const std::vector<Token>> texts) {
  EBB_CHECK(!texts.empty() && texts.size() <= kBatchTexts);
  llama_memory_t memory = llama_get_memory(context_);
  if (memory != nullptr) llama_memory_clear(memory, false);
  std::vector<std::span<const Token>> parts(texts.begin(), texts.end());
  long_ = std::cmp_greater(texts[0].size(), kBatchTokens);
  if (!long_ || !in_pieces()) return compute_piece(parts, 0);
  EBB_CHECK(texts.size() == 1);
  for (size_t first = 0; first < texts[0].size(); first += kBatchTokens) {
    parts[0] = std::span(texts[0]).subspan(first, std::min<size_t>(kBatchTokens, texts[0].size() - first));
    if (Status computed = compute_piece(parts, first); !computed) return computed;
  }
  return {};
}

Status PooledBatch::compute_piece(std::span<const std::span<const Token>> texts, size_t first) {
  std::vector<Token> tokens;
  std::vector<int32_t> positions;
  std::vector<int32_t> owners;
  for (size_t i = 0; i < texts.size(); ++i) {
    EBB_CHECK(!texts[i].empty());
    for (size_t at = 0; at < texts[i].size(); ++at) {
      tokens.push_back(texts[i][at]);
      positions.push_back(static_cast<int32_t>(first + at));
      owners.push_back(static_cast<int32_t>(i));
    }
  }
  EBB_CHECK(tokens.size() <= text_tokens_);
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
  const bool encodes = llama_get_memory(context_) == nullptr || llama_model_has_encoder(model_.get());
  const int failed = encodes ? llama_encode(context_, batch) : llama_decode(context_, batch);
  llama_synchronize(context_);
  if (failed != 0) return fail(ErrorKind::kInternal, fmt::format("the engine could not compute a batch (code {}): {}", failed, take_library_error()));
  return {};
}

std::span<const float> PooledBatch::vector(size_t text) const {
  const float* const values = llama_get_embeddings_seq(context_, static_cast<llama_seq_id>(text));
  EBB_CHECK(values != nullptr);
  return {values, model_.width()};
}

}  // namespace ebb::engine_llama
