// The text of one call on its way out: held back while it may be part of a character, a stop string or a mark, then told apart into parts, each
// with the log probabilities of the tokens that it came from.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "domain/call.h"
#include "engine/text_holder.h"
#include "engine_llama/answer_reader.h"
#include "engine_llama/schedule.h"

namespace ebb::engine_llama {

class AnswerText {
 public:
  // `reader`: null where all text is content. `preserved`: control tokens whose text belongs to the answer.
  AnswerText(std::vector<std::string> stop, std::unique_ptr<AnswerReader> reader, std::set<Token> preserved)
      : holder_(std::move(stop)), reader_(std::move(reader)), preserved_(std::move(preserved)) {}

  bool preserves(Token token) const { return preserved_.contains(token); }

  // One token's bytes. The pieces stand for no tokens yet.
  std::vector<domain::Text> add(std::string_view bytes, std::optional<domain::TokenLogprob> logprob);
  std::vector<domain::Text> finish();

  bool stopped() const { return holder_.stopped(); }
  bool called() const { return reader_ != nullptr && reader_->called(); }
  bool complete() const { return reader_ != nullptr && reader_->complete(); }

 private:
  std::vector<domain::Text> parts_of(std::string_view text);
  // The log probabilities of tokens that are out whole, with the first of the pieces.
  void attach(std::vector<domain::Text>& texts, size_t bytes_out);

  struct Waiting {
    size_t end;  // of its bytes, counted from the answer's beginning
    domain::TokenLogprob logprob;
  };

  engine::TextHolder holder_;
  std::unique_ptr<AnswerReader> reader_;
  std::set<Token> preserved_;
  std::deque<Waiting> waiting_;
  size_t bytes_in_ = 0;
};

}  // namespace ebb::engine_llama
