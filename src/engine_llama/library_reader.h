// Answers in a format of the library: the whole text so far is parsed with every piece, and what is new comes out.
#pragma once

#include <memory>
#include <string>

#include "engine_llama/answer_reader.h"

struct common_chat_params;

namespace ebb::engine_llama {

class LibraryReader final : public AnswerReader {
 public:
  // `calls_max`: what comes after so many calls is dropped.
  LibraryReader(const common_chat_params& format, int calls_max);
  ~LibraryReader() override;

  std::vector<domain::Text> add(std::string_view text) override;
  std::vector<domain::Text> finish() override;
  bool called() const override;
  bool complete() const override;

 private:
  struct State;  // of the library's types
  std::vector<domain::Text> parse(bool is_partial);

  std::unique_ptr<State> state_;
};

}  // namespace ebb::engine_llama
