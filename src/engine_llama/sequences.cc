// Contexts and batches of the library.
#include "engine_llama/sequences.h"

#include <fmt/format.h>
#include <llama.h>

#include <algorithm>

#include "base/check.h"
#include "domain/limits.h"
#include "engine_llama/guess.h"
#include "engine_llama/tensor_memory.h"

namespace ebb::engine_llama {

namespace {

// The library rounds caches up to this many tokens anyway.
constexpr int64_t kContextGranule = 256;

llama_context_params params_for(int capacity, int64_t context_tokens) {
  llama_context_params params = llama_context_default_params();
  const int64_t padded = (context_tokens + kContextGranule - 1) / kContextGranule * kContextGranule;
  params.n_ctx = static_cast<uint32_t>(padded * capacity);
  params.n_seq_max = static_cast<uint32_t>(capacity);
  params.n_batch = static_cast<uint32_t>(kPromptTokensPerStepMax + capacity);
  params.n_ubatch = params.n_batch;
  // Each sequence's next token, or one's with what is guessed of those behind it.
  params.n_outputs_max = std::max(static_cast<uint32_t>(capacity), static_cast<uint32_t>(kGuessesMax + 1));
  params.kv_unified = false;
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_ENABLED;  // by our own kernels (attention.h)
  params.no_perf = true;
  return params;
}

}  // namespace

Result<std::unique_ptr<Sequences>> Sequences::make(const LoadedModel& model, int at_least, int64_t context_tokens, const Threads& threads) {
  int capacity = domain::kTextSlotsMax;
  const uint64_t memory = tensor_memory_mark();
  llama_context* context = llama_init_from_model(model.get(), params_for(capacity, context_tokens));
  while (context == nullptr && capacity > at_least) {
    capacity = std::max(at_least, capacity / 2);
    context = llama_init_from_model(model.get(), params_for(capacity, context_tokens));
  }
  if (context == nullptr)
    return fail(ErrorKind::kExhausted, fmt::format("there is no memory for {} slots of {} tokens: {}", capacity, context_tokens, take_library_error()));
  std::unique_ptr<Sequences> sequences(new Sequences(context, capacity, memory));
  sequences->use(threads);
  return sequences;
}

Sequences::~Sequences() { llama_free(context_); }

void Sequences::use(const Threads& threads) { threads.attach(context_); }

void Sequences::clear(size_t sequence) { (void)llama_memory_seq_rm(llama_get_memory(context_), static_cast<llama_seq_id>(sequence), -1, -1); }

void Sequences::give_back() {
  llama_memory_clear(llama_get_memory(context_), false);
  give_back_tensor_memory(memory_);
}

bool Sequences::cut_back(size_t sequence, int64_t position) {
  if (llama_memory_seq_rm(llama_get_memory(context_), static_cast<llama_seq_id>(sequence), static_cast<llama_pos>(position), -1)) return true;
  clear(sequence);
  return false;
}

size_t Sequences::saved_bytes(size_t sequence) const { return llama_state_seq_get_size(context_, static_cast<llama_seq_id>(sequence)); }

SequenceState Sequences::save(size_t sequence) const {
  SequenceState state(saved_bytes(sequence));
  const size_t written = llama_state_seq_get_data(context_, state.data(), state.size(), static_cast<llama_seq_id>(sequence));
  if (written != state.size()) state.clear();
  return state;
}

bool Sequences::restore(size_t sequence, std::span<const uint8_t> state) {
  if (!state.empty() && llama_state_seq_set_data(context_, state.data(), state.size(), static_cast<llama_seq_id>(sequence)) == state.size()) return true;
  clear(sequence);
  return false;
}

int Sequences::add(size_t sequence, int64_t position, Token token, bool wants_output) {
  EBB_CHECK(sequence < static_cast<size_t>(capacity_));
  tokens_.push_back(token);
  positions_.push_back(static_cast<int32_t>(position));
  owners_.push_back(static_cast<int32_t>(sequence));
  outputs_.push_back(wants_output ? 1 : 0);
  return static_cast<int>(tokens_.size()) - 1;
}

Status Sequences::decode() {
  EBB_CHECK(!tokens_.empty() && tokens_.size() <= static_cast<size_t>(kPromptTokensPerStepMax + capacity_));
  std::vector<int32_t> counts(tokens_.size(), 1);
  std::vector<int32_t*> owners(tokens_.size());
  for (size_t i = 0; i < owners.size(); ++i)
    owners[i] = &owners_[i];
  const llama_batch batch{.n_tokens = static_cast<int32_t>(tokens_.size()),
                          .token = tokens_.data(),
                          .embd = nullptr,
                          .pos = positions_.data(),
                          .n_seq_id = counts.data(),
                          .seq_id = owners.data(),
                          .logits = outputs_.data()};
  const int failed = llama_decode(context_, batch);
  llama_synchronize(context_);
  tokens_.clear();
  positions_.clear();
  owners_.clear();
  outputs_.clear();
  if (failed != 0) return fail(ErrorKind::kInternal, fmt::format("the engine could not compute a step (code {}): {}", failed, take_library_error()));
  return {};
}

}  // namespace ebb::engine_llama
