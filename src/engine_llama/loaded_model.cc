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
#include "engine_llama/weight_layout.h"

namespace ebb::engine_llama {

namespace {

// The library reports every tensor; each report that is passed on wakes the server.
constexpr int64_t kProgressParts = 20;

struct Progress {
  const engine::Progress& tell;
  int64_t told = 0;
};

bool on_progress(float progress, void* context) {
  auto& state = *static_cast<Progress*>(context);
  const auto done = static_cast<int64_t>(progress * static_cast<float>(kProgressParts));
  if (done > state.told) state.tell(done, kProgressParts);
  state.told = std::max(state.told, done);
  return true;
}

// Vocabularies that fold white space, or make one token of a word that they do not know: text has no upper bound for a token. Longer words than this
// are no words.
constexpr size_t kFoldedWordBytesMax = 100;

std::string own_key(const llama_model* model, const char* name) {
  char architecture[64] = {};
  (void)llama_model_meta_val_str(model, "general.architecture", architecture, sizeof architecture);
  char value[64] = {};
  if (llama_model_meta_val_str(model, fmt::format("{}.{}", architecture, name).c_str(), value, sizeof value) < 0) return {};
  return value;
}

Result<Purpose> purpose_of(const llama_model* model) {
  if (llama_vocab_type(llama_model_get_vocab(model)) == LLAMA_VOCAB_TYPE_NONE) return fail(ErrorKind::kInvalid, "the model has no vocabulary");
  const bool encodes = llama_model_has_encoder(model) || own_key(model, "attention.causal") == "false";
  const bool decodes = llama_model_has_decoder(model);
  const std::string pooling = own_key(model, "pooling_type");
  const auto is = [&pooling](enum llama_pooling_type type) { return pooling == std::to_string(type); };
  if (is(LLAMA_POOLING_TYPE_RANK))
    return fail(ErrorKind::kInvalid, "the model ranks texts, which no route here asks for; deploy a chat model or an embedding model");
  if (is(LLAMA_POOLING_TYPE_MEAN) || is(LLAMA_POOLING_TYPE_CLS) || is(LLAMA_POOLING_TYPE_LAST)) {
    if (llama_model_has_encoder(model) && decodes) return fail(ErrorKind::kInvalid, "the model has an encoder and a decoder, which is not supported");
    return Purpose::kVectors;
  }
  if (encodes)
    return fail(ErrorKind::kInvalid,
                "the model gives vectors of tokens, but its file does not say how they become one (its pooling type): convert it again with that");
  if (!decodes || llama_model_is_diffusion(model))
    return fail(ErrorKind::kInvalid, "the model does not generate text token by token, so it cannot answer chats; deploy a chat model");
  return Purpose::kText;
}

using Stream = std::unique_ptr<FILE, int (*)(FILE*)>;

// The stream closes it; what was mapped stays.
Result<Stream> stream_of(Fd file) {
  Stream stream(::fdopen(file.get(), "rb"), &std::fclose);
  if (stream == nullptr) return fail(errno_error("the model's descriptor cannot be read", errno));
  (void)file.release();
  return stream;
}

enum class Weights { kAsStored, kAnew };

// nullptr: the library does not take it; why is in take_library_error().
llama_model* read(FILE* stream, Weights weights, const engine::Progress& progress) {
  if (std::fseek(stream, 0, SEEK_SET) != 0) return nullptr;
  llama_model_params params = llama_model_default_params();
  params.load_mode = LLAMA_LOAD_MODE_MMAP;
  params.use_extra_bufts = weights == Weights::kAnew;
  params.n_gpu_layers = 0;
  params.progress_callback = on_progress;
  Progress state{.tell = progress};
  params.progress_callback_user_data = &state;
  (void)take_library_error();
  return llama_model_load_from_file_ptr(stream, params);
}

}  // namespace

Result<std::unique_ptr<LoadedModel>> LoadedModel::from(llama_model* model, std::unique_ptr<TiledTables> tables) {
  tables->stop();
  if (model == nullptr) return fail(ErrorKind::kCorrupt, fmt::format("the engine cannot load the model: {}", replace_invalid_utf8(take_library_error())));
  std::unique_ptr<LoadedModel> loaded(new LoadedModel(model));
  loaded->tables_ = std::move(tables);
  const Result<Purpose> purpose = purpose_of(model);
  if (!purpose) return fail(purpose.error());
  loaded->purpose_ = *purpose;
  return loaded;
}

Result<std::unique_ptr<LoadedModel>> LoadedModel::load(Fd file, int prepared, const engine::Progress& progress, const Log& log) {
  Result<Stream> stream = stream_of(std::move(file));
  if (!stream) return fail(stream.error());
  if (prepared >= 0) {
    const Result<std::unique_ptr<LayoutMapper>> mapper = LayoutMapper::make(prepared, ::fileno(stream->get()));
    if (mapper && *mapper != nullptr) {
      auto tables = std::make_unique<TiledTables>();
      llama_model* const model = read(stream->get(), Weights::kAnew, progress);
      if (model != nullptr && (*mapper)->fits()) {
        Result<std::unique_ptr<LoadedModel>> loaded = from(model, std::move(tables));
        if (!loaded) return loaded;
        (*loaded)->layout_ = layout_key();
        (*loaded)->tokens_alike_ = (*mapper)->tokens_alike();
        return loaded;
      }
      llama_model_free(model);
    }
    if (!mapper || *mapper != nullptr)
      log(fmt::format("the prepared weights do not fit, those of the model itself are used: {}", mapper ? "they are another model's" : mapper.error().message));
  }
  auto tables = std::make_unique<TiledTables>();
  llama_model* const model = read(stream->get(), Weights::kAsStored, progress);
  return from(model, std::move(tables));
}

Result<std::unique_ptr<LoadedModel>> LoadedModel::load_anew(Fd file) {
  const Result<Stream> stream = stream_of(std::move(file));
  if (!stream) return fail(stream.error());
  auto tables = std::make_unique<TiledTables>();
  llama_model* const model = read(stream->get(), Weights::kAnew, [](int64_t, int64_t) {});
  return from(model, std::move(tables));
}

LoadedModel::LoadedModel(llama_model* model)
    : model_(model),
      vocabulary_(llama_model_get_vocab(model)),
      vocabulary_size_(llama_vocab_n_tokens(vocabulary_)),
      can_cut_back_(llama_model_n_swa(model) == 0 && !llama_model_is_recurrent(model) && !llama_model_is_hybrid(model)) {
  // A token's text in the vocabulary is at least as long as the bytes that it stands for.
  for (Token token = 0; token < vocabulary_size_; ++token)
    token_bytes_max_ = std::max(token_bytes_max_, std::strlen(llama_vocab_get_text(vocabulary_, token)));
  const enum llama_vocab_type type = llama_vocab_type(vocabulary_);
  if (type == LLAMA_VOCAB_TYPE_WPM || type == LLAMA_VOCAB_TYPE_UGM) token_bytes_max_ = std::max(token_bytes_max_, kFoldedWordBytesMax);
}

LoadedModel::~LoadedModel() {
  tables_.reset();
  llama_model_free(model_);
}

Result<std::vector<Token>> LoadedModel::tokens_of(const std::string& text) const {
  std::vector<Token> tokens;
  try {
    tokens = common_tokenize(vocabulary_, text, true, false);
  } catch (const std::exception& error) {
    return fail(ErrorKind::kInvalid, fmt::format("The text cannot be cut into tokens: {}", replace_invalid_utf8(error.what())), "prompt");
  }
  return tokens;
}

Result<std::vector<Token>> LoadedModel::tokens_of(const domain::Prompt& prompt) const {
  std::vector<Token> tokens;
  if (const auto* text = std::get_if<std::string>(&prompt.text)) {
    Result<std::vector<Token>> cut = tokens_of(*text);
    if (!cut) return fail(cut.error());
    tokens = std::move(*cut);
  } else {
    tokens = std::get<std::vector<int32_t>>(prompt.text);
  }
  // The library ends the process for an empty prompt, and for tokens that it does not have.
  if (tokens.empty()) return fail(ErrorKind::kInvalid, "The prompt is empty: the model would get nothing", "prompt");
  for (const Token token : tokens) {
    if (!is_token(token))
      return fail(ErrorKind::kInvalid, fmt::format("The prompt has token {}, but the model has {} tokens", token, vocabulary_size_), "prompt");
  }
  return tokens;
}

int64_t LoadedModel::train_context() const { return llama_model_n_ctx_train(model_); }

size_t LoadedModel::width() const { return static_cast<size_t>(llama_model_n_embd_out(model_)); }

bool LoadedModel::pools_last_of_causal() const {
  return own_key(model_, "pooling_type") == std::to_string(LLAMA_POOLING_TYPE_LAST) && own_key(model_, "attention.causal") != "false" &&
         !llama_model_has_encoder(model_);
}

bool LoadedModel::is_token(Token token) const { return token >= 0 && token < vocabulary_size_; }

bool LoadedModel::is_control(Token token) const { return llama_vocab_is_control(vocabulary_, token); }

bool LoadedModel::ends_answer(Token token) const { return llama_vocab_is_eog(vocabulary_, token); }

std::string LoadedModel::text_of(Token token, bool with_control) const { return common_token_to_piece(vocabulary_, token, with_control); }

}  // namespace ebb::engine_llama
