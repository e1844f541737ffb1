// Loading, and everything that exceptions of the library may come out of.
#include "engine_llama/loaded_model.h"

#include <chat.h>
#include <fmt/format.h>
#include <llama.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>

#include "engine/text_holder.h"
#include "engine_llama/backend.h"

namespace ebb::engine_llama {

namespace {

// The library reports every tensor; each report that is passed on wakes the server.
constexpr int64_t kProgressParts = 20;
constexpr size_t kReasonBytesMax = 300;

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

std::string reason(const std::exception& error) { return engine::replace_invalid_utf8(std::string(error.what()).substr(0, kReasonBytesMax)); }

common_chat_templates_inputs template_inputs(const std::vector<domain::ChatMessage>& messages, bool add_bos) {
  common_chat_templates_inputs inputs;
  for (const domain::ChatMessage& message : messages) {
    common_chat_msg converted;
    converted.role = message.role == "developer" ? "system" : message.role;
    converted.content = message.content;
    inputs.messages.push_back(std::move(converted));
  }
  inputs.add_bos = add_bos;
  // Only the text is wanted: without this, the library analyses the template for tool calls, with every call anew.
  inputs.force_pure_content = true;
  return inputs;
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
  if (model == nullptr)
    return fail(ErrorKind::kCorrupt, fmt::format("the engine cannot load the model: {}", engine::replace_invalid_utf8(take_library_error())));
  std::unique_ptr<LoadedModel> loaded(new LoadedModel(model));
  if (const Status kind = check_kind(model); !kind) return fail(kind.error());
  try {
    loaded->templates_ = common_chat_templates_init(model, "");
  } catch (const std::exception& error) {
    return fail(ErrorKind::kCorrupt, fmt::format("the model's chat template cannot be read: {}", reason(error)));
  }
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

Result<std::vector<Token>> LoadedModel::prompt(const std::vector<domain::ChatMessage>& messages) const {
  if (messages.empty()) return fail(ErrorKind::kInvalid, "There are no messages: give at least one", "messages");
  for (const domain::ChatMessage& message : messages) {
    if (engine::replace_invalid_utf8(message.content) != message.content) return fail(ErrorKind::kInvalid, "A message is not valid UTF-8", "messages");
    if (message.content.find('\0') != std::string::npos) return fail(ErrorKind::kInvalid, "A message contains a NUL character: leave it out", "messages");
  }
  try {
    const std::string text = common_chat_templates_apply(templates_.get(), template_inputs(messages, llama_vocab_get_add_bos(vocabulary_))).prompt;
    std::vector<Token> tokens = common_tokenize(vocabulary_, text, true, true);
    // The library ends the process for an empty prompt, and for tokens that it does not have.
    if (tokens.empty()) return fail(ErrorKind::kInvalid, "The messages are empty: the model would get nothing to answer", "messages");
    for (const Token token : tokens) {
      if (!is_token(token)) return fail(ErrorKind::kInvalid, "The messages contain what the model's vocabulary has no token for", "messages");
    }
    return tokens;
  } catch (const std::exception& error) {
    return fail(ErrorKind::kInvalid, fmt::format("The model's chat template does not take these messages: {}", reason(error)), "messages");
  }
}

bool LoadedModel::is_token(Token token) const { return token >= 0 && token < vocabulary_size_; }

bool LoadedModel::ends_answer(Token token) const { return llama_vocab_is_eog(vocabulary_, token); }

std::string LoadedModel::text_of(Token token) const { return common_token_to_piece(vocabulary_, token, false); }

}  // namespace ebb::engine_llama
