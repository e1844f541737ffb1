// What a conversation is for this model: the prompt by its template, the grammar that its answer must keep, and how the answer is read.
//
// Three ways, the cheapest that will do: plain (the text is the content), generic tools (generic_tools.h) for templates that know none, for calls that
// are required and for tools beside a schema, and the library's own for templates that know tools or thoughts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/call.h"
#include "engine_llama/answer_reader.h"
#include "engine_llama/grammar.h"
#include "engine_llama/loaded_model.h"
#include "engine_llama/special_text.h"

struct common_chat_templates;

namespace ebb::engine_llama {

struct Rendered {
  std::vector<Token> prompt;
  Grammar grammar;
  std::unique_ptr<AnswerReader> reader;  // null: the text is the content
  std::vector<std::string> stop;         // the format's own, besides the caller's
};

class ChatFormat {
 public:
  // Error kCorrupt: the template cannot be read.
  static Result<std::unique_ptr<ChatFormat>> make(const LoadedModel& model);

  // Error kInvalid with param "messages", "tools" or "response_format": the template does not take it, it is not UTF-8, there is nothing in it, or it
  // cannot be held to.
  Result<Rendered> render(const domain::Chat& chat) const;

 private:
  explicit ChatFormat(const LoadedModel& model);

  Result<Rendered> plain(const std::vector<domain::ChatMessage>& messages) const;
  Result<Rendered> generic_tools(const domain::Chat& chat) const;
  Result<Rendered> by_library(const domain::Chat& chat) const;
  Result<std::vector<Token>> tokens_of(const SpecialText::Guard& guard, const std::string& rendered) const;

  const LoadedModel* model_;
  SpecialText special_;
  std::shared_ptr<common_chat_templates> templates_;  // shared only because the library's type is incomplete here
  bool knows_tools_ = false;
  bool thinks_ = false;
};

}  // namespace ebb::engine_llama
