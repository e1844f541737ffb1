// A model's weights (mapped from its file, and from that of their layout for this processor) and its vocabulary. Immutable once loaded; lives as long as
// the worker.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "domain/call.h"
#include "engine/engine.h"
#include "engine_llama/schedule.h"
#include "engine_llama/tiled_table.h"

struct llama_model;
struct llama_vocab;

namespace ebb::engine_llama {

// What a model is for. Its file says so: one that says how the vectors of a text's tokens become one (`<architecture>.pooling_type`) gives vectors.
enum class Purpose { kText, kVectors };

class LoadedModel {
 public:
  using Log = std::function<void(const std::string& line)>;

  // With `prepared` (weight_layout.h; -1: none), if it fits; else `log` gets a line, and the weights are those of the file.
  // Error kCorrupt: the library does not take it; kInvalid: it is no model that generates text or gives vectors.
  static Result<std::unique_ptr<LoadedModel>> load(Fd file, int prepared, const engine::Progress& progress, const Log& log);
  // With the weights laid out anew in this process, whether or not that is better. Errors: of load().
  static Result<std::unique_ptr<LoadedModel>> load_anew(Fd file);
  ~LoadedModel();
  LoadedModel(const LoadedModel&) = delete;
  LoadedModel& operator=(const LoadedModel&) = delete;

  // Text as it stands, with what the vocabulary puts before every text. Spellings of control tokens are text. Error kInvalid with param "prompt".
  Result<std::vector<Token>> tokens_of(const std::string& text) const;
  // The same for text; tokens as they are. Error kInvalid with param "prompt": there is nothing in it, or a token that is none.
  Result<std::vector<Token>> tokens_of(const domain::Prompt& prompt) const;

  // No text of so many bytes takes fewer tokens.
  int64_t tokens_at_least(size_t bytes) const { return static_cast<int64_t>(bytes / token_bytes_max_); }
  // So many tokens stand for no more bytes.
  size_t bytes_at_most(int64_t tokens) const { return static_cast<size_t>(tokens) * token_bytes_max_; }

  bool is_token(Token token) const;
  bool is_control(Token token) const;
  bool ends_answer(Token token) const;  // end of turn, end of text, …
  // The bytes that the token stands for: parts of characters sometimes; nothing for control tokens, unless `with_control`.
  std::string text_of(Token token, bool with_control = false) const;
  // Whether a sequence can be cut back to any earlier token, so that its beginning serves another prompt.
  bool can_cut_back() const { return can_cut_back_; }

  Purpose purpose() const { return purpose_; }
  int64_t train_context() const;
  size_t width() const;  // values of a vector
  // A text's vector is that of its last token, and no token sees a later one.
  bool pools_last_of_causal() const;

  // What the results depend on besides the model and the library's build; empty: the weights are as they are stored.
  const std::string& layout() const { return layout_; }

  // A token's results are the same to the last bit, alone and with those before and behind it.
  bool tokens_alike() const { return tokens_alike_; }

  llama_model* get() const { return model_; }
  int vocabulary_size() const { return vocabulary_size_; }

 private:
  explicit LoadedModel(llama_model* model);
  static Result<std::unique_ptr<LoadedModel>> from(llama_model* model, std::unique_ptr<TiledTables> tables);

  llama_model* model_;
  std::unique_ptr<TiledTables> tables_;
  const llama_vocab* vocabulary_;
  int vocabulary_size_;
  size_t token_bytes_max_ = 1;
  Purpose purpose_ = Purpose::kText;
  bool can_cut_back_;
  std::string layout_;
  bool tokens_alike_ = false;
};

}  // namespace ebb::engine_llama
