// Characters by ICU, pieces by the longest match.
#include "engine_onnx/wordpiece.h"

#include <fmt/format.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf16.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace ebb::engine_onnx {

namespace {

constexpr size_t kWordCharactersMax = 100;
constexpr std::string_view kContinues = "##";

struct Range {
  UChar32 first;
  UChar32 last;
};
constexpr std::array<Range, 8> kIdeographs{
    {{0x4E00, 0x9FFF}, {0x3400, 0x4DBF}, {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F}, {0x2B820, 0x2CEAF}, {0xF900, 0xFAFF}, {0x2F800, 0x2FA1F}}};

bool is_ideograph(UChar32 c) {
  return std::ranges::any_of(kIdeographs, [c](const Range& range) { return range.first <= c && c <= range.last; });
}

bool is_blank(UChar32 c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || u_charType(c) == U_SPACE_SEPARATOR; }

bool is_dropped(UChar32 c) {
  constexpr uint32_t kOther = U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CN_MASK | U_GC_CO_MASK | U_GC_CS_MASK;
  return c == 0xFFFD || (U_GET_GC_MASK(c) & kOther) != 0;
}

bool is_punctuation(UChar32 c) {
  const bool ascii = (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
  return ascii || u_ispunct(c) != 0;
}

const icu::Normalizer2& decomposition() {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* const nfd = icu::Normalizer2::getNFDInstance(error);
  EBB_CHECK(U_SUCCESS(error));
  return *nfd;
}

// The characters of what stands between two blanks, as the vocabulary has them.
icu::UnicodeString normalized(std::string_view text, bool lowercase) {
  icu::UnicodeString raw = icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
  if (!lowercase) return raw;
  UErrorCode error = U_ZERO_ERROR;
  const icu::UnicodeString apart = decomposition().normalize(raw, error);
  EBB_CHECK(U_SUCCESS(error));
  icu::UnicodeString out;
  for (int32_t i = 0; i < apart.length(); i = apart.moveIndex32(i, 1)) {
    const UChar32 c = apart.char32At(i);
    if (u_charType(c) != U_NON_SPACING_MARK) out.append(u_tolower(c));
  }
  return out;
}

}  // namespace

// One text on its way.
class WordPiece::Cutter {
 public:
  Cutter(const WordPiece& vocabulary, size_t at_most) : vocabulary_(vocabulary), at_most_(at_most) {}

  std::vector<int32_t> cut(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n";
    while (!is_full()) {
      const size_t begin = text.find_first_not_of(kBlanks);
      if (begin == std::string_view::npos) break;
      const size_t end = std::min(text.find_first_of(kBlanks, begin), text.size());
      add_characters(normalized(text.substr(begin, end - begin), vocabulary_.lowercase_));
      end_word();
      text.remove_prefix(end);
    }
    return std::move(tokens_);
  }

 private:
  bool is_full() const { return tokens_.size() > at_most_; }

  void add_characters(const icu::UnicodeString& characters) {
    for (int32_t i = 0; i < characters.length() && !is_full(); i = characters.moveIndex32(i, 1)) {
      const UChar32 c = characters.char32At(i);
      if (is_blank(c)) {
        end_word();
      } else if (is_ideograph(c) || (!is_dropped(c) && is_punctuation(c))) {
        end_word();
        add(c);
        end_word();
      } else if (!is_dropped(c)) {
        add(c);
      }
    }
  }

  void add(UChar32 c) {
    if (++characters_ > kWordCharactersMax) return;  // it is unknown already
    icu::UnicodeString(c).toUTF8String(word_);
  }

  void end_word() {
    if (characters_ > 0 && !add_pieces()) tokens_.push_back(vocabulary_.unknown_);
    word_.clear();
    characters_ = 0;
  }

  // False, and nothing added: the vocabulary cannot spell the word.
  bool add_pieces() {
    if (characters_ > kWordCharactersMax) return false;
    const size_t before = tokens_.size();
    for (size_t begin = 0; begin < word_.size();) {
      const auto [length, token] = longest_piece(begin);
      if (length == 0) {
        tokens_.resize(before);
        return false;
      }
      tokens_.push_back(token);
      begin += length;
    }
    return true;
  }

  std::pair<size_t, int32_t> longest_piece(size_t begin) {
    const std::string_view prefix = begin == 0 ? std::string_view{} : kContinues;
    for (size_t length = word_.size() - begin; length > 0; --length) {
      piece_.assign(prefix).append(word_, begin, length);
      if (const auto found = vocabulary_.numbers_.find(piece_); found != vocabulary_.numbers_.end()) return {length, found->second};
    }
    return {0, 0};
  }

  const WordPiece& vocabulary_;
  size_t at_most_;
  std::vector<int32_t> tokens_;
  std::string word_;
  std::string piece_;
  size_t characters_ = 0;
};

Result<WordPiece> WordPiece::read(std::span<const char> vocabulary, const wire::Tokenizer& tokenizer) {
  WordPiece read;
  read.lowercase_ = tokenizer.lowercase;
  std::string_view rest(vocabulary.data(), vocabulary.size());
  read.words_.reserve(static_cast<size_t>(std::ranges::count(rest, '\n')) + 1);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view word = rest.substr(0, end);
    if (word.ends_with('\r')) word.remove_suffix(1);
    read.words_.push_back(word);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  read.numbers_.reserve(read.words_.size());
  for (size_t i = 0; i < read.words_.size(); ++i)
    read.numbers_.emplace(read.words_[i], static_cast<int32_t>(i));
  for (const auto& [word, number] : {std::pair{&tokenizer.cls, &read.cls_}, std::pair{&tokenizer.sep, &read.sep_},
                                     std::pair{&tokenizer.unknown, &read.unknown_}, std::pair{&tokenizer.pad, &read.pad_}}) {
    const auto found = read.numbers_.find(*word);
    if (found == read.numbers_.end()) return fail(ErrorKind::kCorrupt, fmt::format("the vocabulary '{}' has no token '{}'", tokenizer.vocabulary, *word));
    *number = found->second;
  }
  return read;
}

std::vector<int32_t> WordPiece::cut(std::string_view text, size_t at_most) const { return Cutter(*this, at_most).cut(text); }

}  // namespace ebb::engine_onnx
