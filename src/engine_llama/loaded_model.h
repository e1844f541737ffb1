// A model's weights (mapped from its file) and its vocabulary. Immutable once loaded; lives as long as the worker.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "engine_llama/schedule.h"

struct llama_model;
struct llama_vocab;

namespace ebb::engine_llama {

class LoadedModel {
 public:
  // Error kCorrupt: the library does not take it; kInvalid: it is no model that answers in text.
  static Result<std::unique_ptr<LoadedModel>> load(Fd file, const std::function<void(int64_t done, int64_t total)>& progress);
  ~LoadedModel();
  LoadedModel(const LoadedModel&) = delete;
  LoadedModel& operator=(const LoadedModel&) = delete;

  // Text as it stands, with what the vocabulary puts before every text. Spellings of control tokens are text. Error kInvalid with param "prompt".
  Result<std::vector<Token>> tokens_of(const std::string& text) const;

  // No text of so many bytes takes fewer tokens.
  int64_t tokens_at_least(size_t bytes) const { return static_cast<int64_t>(bytes / token_bytes_max_); }

  bool is_token(Token token) const;
  bool ends_answer(Token token) const;  // end of turn, end of text, …
  // The bytes that the token stands for: parts of characters sometimes; nothing for control tokens, unless `with_control`.
  std::string text_of(Token token, bool with_control = false) const;
  // Whether a sequence can be cut back to any earlier token, so that its beginning serves another prompt.
  bool can_cut_back() const { return can_cut_back_; }

  llama_model* get() const { return model_; }
  int vocabulary_size() const { return vocabulary_size_; }

 private:
  explicit LoadedModel(llama_model* model);

  llama_model* model_;
  const llama_vocab* vocabulary_;
  int vocabulary_size_;
  size_t token_bytes_max_ = 1;
  bool can_cut_back_;
};

}  // namespace ebb::engine_llama
