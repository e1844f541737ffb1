// The holder first, so that a reader sees whole characters and nothing of a stop string.
#include "engine_llama/answer_text.h"

#include <iterator>

namespace ebb::engine_llama {

namespace {

// A stop string may have held back hundreds of tokens, each with twenty alternatives: a piece stays far below what a frame may have.
constexpr size_t kLogprobsPerPieceMax = 32;

}  // namespace

std::vector<domain::Text> AnswerText::parts_of(std::string_view text) {
  if (reader_ != nullptr) return reader_->add(text);
  std::vector<domain::Text> out;
  if (!text.empty()) out.push_back({.text = std::string(text)});
  return out;
}

std::vector<domain::Text> AnswerText::add(std::string_view bytes, std::optional<domain::TokenLogprob> logprob) {
  bytes_in_ += bytes.size();
  if (logprob) waiting_.push_back({.end = bytes_in_, .logprob = std::move(*logprob)});
  std::vector<domain::Text> out = parts_of(holder_.add(bytes));
  if (holder_.stopped()) {
    waiting_.clear();  // its tokens are not part of the answer
  } else {
    attach(out, bytes_in_ - holder_.held());
  }
  return out;
}

std::vector<domain::Text> AnswerText::finish() {
  std::vector<domain::Text> out = parts_of(holder_.finish());
  if (reader_ != nullptr) {
    std::vector<domain::Text> rest = reader_->finish();
    out.insert(out.end(), std::make_move_iterator(rest.begin()), std::make_move_iterator(rest.end()));
  }
  attach(out, bytes_in_);
  return out;
}

void AnswerText::attach(std::vector<domain::Text>& texts, size_t bytes_out) {
  if (waiting_.empty() || waiting_.front().end > bytes_out) return;
  if (texts.empty()) texts.emplace_back();
  size_t at = 0;  // which piece gets them
  while (!waiting_.empty() && waiting_.front().end <= bytes_out) {
    if (texts[at].logprobs.size() == kLogprobsPerPieceMax) {
      domain::Text more{.part = texts[at].part, .tool_index = texts[at].tool_index};
      ++at;
      texts.insert(texts.begin() + static_cast<ptrdiff_t>(at), std::move(more));
    }
    texts[at].logprobs.push_back(std::move(waiting_.front().logprob));
    waiting_.pop_front();
  }
}

}  // namespace ebb::engine_llama
