// BERT's tokenizer: a text into words, words into the longest pieces that a vocabulary has.
//
// As published with BERT: control characters go; with `lowercase`, case and accents too; a CJK character is a word, a mark of punctuation is a word; a word
// of more than 100 characters, or with a part that the vocabulary lacks, is one unknown token. Words of the vocabulary that stand for something else
// ("[SEP]") are text like any other where a caller writes them. Reads no file; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "wire/manifest.h"

namespace ebb::engine_onnx {

class WordPiece {
 public:
  // A token a line; the first has the number 0. It looks at `vocabulary` as long as it lives. Error kCorrupt: a token that it is told of is not there, or the
  // file is no vocabulary.
  static Result<WordPiece> read(std::span<const char> vocabulary, const wire::Tokenizer& tokenizer);

  // The tokens of a text, without what is put around it. Stops once there are more than `at_most`.
  std::vector<int32_t> cut(std::string_view text, size_t at_most) const;

  int32_t cls() const { return cls_; }
  int32_t sep() const { return sep_; }
  int32_t pad() const { return pad_; }
  size_t size() const { return words_.size(); }
  // Of a number below size().
  std::string_view word(int32_t token) const { return words_[static_cast<size_t>(token)]; }

 private:
  class Cutter;

  std::vector<std::string_view> words_;
  std::unordered_map<std::string_view, int32_t> numbers_;
  bool lowercase_ = true;
  int32_t cls_ = 0;
  int32_t sep_ = 0;
  int32_t unknown_ = 0;
  int32_t pad_ = 0;
};

}  // namespace ebb::engine_onnx
