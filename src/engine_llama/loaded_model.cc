// Loading, and what the library says of tokens.
#include "engine_llama/loaded_model.h"

#include <common.h>
#include <fmt/format.h>
#include <llama.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>

#include "base/utf8.h"
#include "engine_llama/backend.h"

namespace ebb::engine_llama {

namespace {

// The library reports every tensor; each report that is passed on wakes the server.
constexpr int64_t kProgressParts = 20;

struct Progress {
  const std::function<void(int64_t, int64_t)>& tell;
  int64_t told = 0;
};

bool on_progress(float progress, void* context) {
  auto& state = *static_cast<Progress*>(context);
  const auto done = static_cast<int64_t>(progress * static_cast<float>(kProgressParts));
  if (done > state.told) state.tell(done, kProgressParts);
  state.told = std::max(state.told, done);
  return true;
}

Status check_kind(const llama_model* model) {
  const bool speaks = llama_model_has_decoder(model) && !llama_model_has_encoder(model) && !llama_model_is_diffusion(model) &&
                      llama_vocab_type(llama_model_get_vocab(model)) != LLAMA_VOCAB_TYPE_NONE;
  if (!speaks) return fail(ErrorKind::kInvalid, "the model does not generate text token by token, so it cannot answer chats; deploy a chat model");
  return {};
}

}  // namespace

Result<std::unique_ptr<LoadedModel>> LoadedModel::load(Fd file, const std::function<void(int64_t done, int64_t total)>& progress) {
  FILE* const stream = ::fdopen(file.get(), "rb");
  if (stream == nullptr) return fail(errno_error("the model's descriptor cannot be read", errno));
  (void)file.release();  // the stream closes it; the mapping stays
  const std::unique_ptr<FILE, int (*)(FILE*)> closes(stream, &std::fclose);

  llama_model_params params = llama_model_default_params();
  params.load_mode = LLAMA_LOAD_MODE_MMAP;
  params.use_extra_bufts = false;  // repacked weights would be private memory, and a slow load
  params.n_gpu_layers = 0;
  params.progress_callback = on_progress;
  Progress state{.tell = progress};
  params.progress_callback_user_data = &state;
  (void)take_library_error();
  llama_model* const model = llama_model_load_from_file_ptr(stream, params);
  if (model == nullptr) return fail(ErrorKind::kCorrupt, fmt::format("the engine cannot load the model: {}", replace_invalid_utf8(take_library_error())));
  std::unique_ptr<LoadedModel> loaded(new LoadedModel(model));
  if (const Status kind = check_kind(model); !kind) return fail(kind.error());
  return loaded;
}

LoadedModel::LoadedModel(llama_model* model)
    : model_(model),
      vocabulary_(llama_model_get_vocab(model)),
      vocabulary_size_(llama_vocab_n_tokens(vocabulary_)),
      can_cut_back_(llama_model_n_swa(model) == 0 && !llama_model_is_recurrent(model) && !llama_model_is_hybrid(model)) {
  // A token's text in the vocabulary is at least as long as the bytes that it stands for.
  for (Token token = 0; token < vocabulary_size_; ++token)
    token_bytes_max_ = std::max(token_bytes_max_, std::strlen(llama_vocab_get_text(vocabulary_, token)));
}

LoadedModel::~LoadedModel() { llama_model_free(model_); }

Result<std::vector<Token>> LoadedModel::tokens_of(const std::string& text) const {
  std::vector<Token> tokens;
  try {
    tokens = common_tokenize(vocabulary_, text, true, false);
  } catch (const std::exception& error) {
    return fail(ErrorKind::kInvalid, fmt::format("The text cannot be cut into tokens: {}", replace_invalid_utf8(error.what())), "prompt");
  }
  return tokens;
}

bool LoadedModel::is_token(Token token) const { return token >= 0 && token < vocabulary_size_; }

bool LoadedModel::ends_answer(Token token) const { return llama_vocab_is_eog(vocabulary_, token); }

std::string LoadedModel::text_of(Token token, bool with_control) const { return common_token_to_piece(vocabulary_, token, with_control); }

}  // namespace ebb::engine_llama
