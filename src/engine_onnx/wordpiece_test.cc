// How texts are cut: rows.
#include "engine_onnx/wordpiece.h"

#include <gtest/gtest.h>

namespace ebb::engine_onnx {
namespace {

// The numbers are the places.
constexpr std::string_view kVocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##aff\n##able\nrunning\n,\n!\ncafe\n中\n国\nthe\n[\n]\nsep\nThe\nCafé\nа\n";

std::string cut(std::string_view text, bool lowercase = true, size_t at_most = 100) {
  wire::Tokenizer tokenizer;
  tokenizer.lowercase = lowercase;
  const Result<WordPiece> read = WordPiece::read(kVocabulary, tokenizer);
  EXPECT_TRUE(read);
  std::string words;
  for (const int32_t token : read->cut(text, at_most))
    words += (words.empty() ? "" : " ") + std::string(read->word(token));
  return words;
}

TEST(WordPiece, CutsTexts) {
  struct Row {
    std::string_view text;
    std::string_view words;
    bool lowercase = true;
  };
  constexpr Row kRows[] = {
      {"", ""},
      {" \t\r\n\u00A0\u3000 ", ""},
      {"unaffable", "un ##aff ##able"},
      {"UNaffable, the!", "un ##aff ##able , the !"},
      {"unknown", "[UNK]"},
      {"un affable", "un [UNK]"},
      {"Caf\u00E9", "cafe"},
      {"CAFE\u0301", "cafe"},
      {"Caf\u00E9", "Café", false},
      {"The the", "The the", false},
      {"the\u4E2D\u56FDthe", "the 中 国 the"},
      {"the\u00A0the", "the the"},
      {"th\u200Be", "the"},
      {"the\uFFFD", "the"},
      {"\u0410", "а"},
      {"[SEP]", "[ sep ]"},
  };
  for (const Row& row : kRows)
    EXPECT_EQ(cut(row.text, row.lowercase), row.words) << row.text;
}

TEST(WordPiece, LongWordsAreUnknown) {
  std::string word = "un";
  while (word.size() + 4 <= 100)
    word += "able";
  EXPECT_NE(cut(word), "[UNK]");
  EXPECT_EQ(cut(word + "able"), "[UNK]");
}

TEST(WordPiece, StopsWhereItIsTold) {
  std::string text;
  for (int i = 0; i < 1000; ++i)
    text += "the ";
  EXPECT_EQ(cut(text, true, 2), "the the the") << "one more than fits tells that it does not";
}

TEST(WordPiece, RefusesAVocabularyWithoutItsOwnTokens) {
  const Result<WordPiece> read = WordPiece::read(std::string_view("[PAD]\n[UNK]\nthe\n"), {});
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("[CLS]"), std::string::npos);
}

}  // namespace
}  // namespace ebb::engine_onnx
