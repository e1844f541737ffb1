// Generated text into the pieces of an answer: content, reasoning, calls of tools.
//
// One for each running call whose text is more than content. Text comes as whole characters; what cannot be told apart yet is held back.
#pragma once

#include <string_view>
#include <vector>

#include "domain/call.h"

namespace ebb::engine_llama {

class AnswerReader {
 public:
  virtual ~AnswerReader() = default;

  // Pieces stand for no tokens: whoever counts them knows.
  virtual std::vector<domain::Text> add(std::string_view text) = 0;
  // What was held back, since no more text comes.
  virtual std::vector<domain::Text> finish() = 0;
  // A call of a tool has begun.
  virtual bool called() const = 0;
  // The answer has all that was asked for: generating more would be thrown away.
  virtual bool complete() const = 0;
};

}  // namespace ebb::engine_llama
