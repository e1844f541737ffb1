// Hugging Face's tokenizer.json, as far as it says what our tokenizer does: all else is refused, since a text that is cut otherwise than the model was
// trained with gives vectors that look right and are not.
#include <fmt/format.h>

#include <vector>

#include "domain/limits.h"
#include "wire/manifest.h"

namespace ebb::wire {

namespace {

class TokenizerReader {
 public:
  explicit TokenizerReader(const json::object& root) : root_(root) {}

  Result<ConvertedTokenizer> read() {
    read_vocabulary();
    read_normalizer();
    read_marks();
    read_padding();
    check_added();
    if (error_) return fail(*error_);
    return std::move(out_);
  }

 private:
  void refuse(std::string message) {
    if (!error_) error_ = Error{.kind = ErrorKind::kInvalid, .message = "tokenizer.json: " + message, .param = "tokenizer.vocabulary"};
  }
  static const json::object* inner(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value == nullptr ? nullptr : value->if_object();
  }
  static std::string_view word(const json::object* object, std::string_view key) {
    const json::value* value = object == nullptr ? nullptr : object->if_contains(key);
    return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
  }
  // True if the flag is there and is `wanted`, or is not there.
  static bool agrees(const json::object& object, std::string_view key, bool wanted) {
    const json::value* value = object.if_contains(key);
    return value == nullptr || value->is_null() || (value->is_bool() && value->get_bool() == wanted);
  }
  void read_vocabulary();
  void read_normalizer();
  void read_marks();
  void read_template(const json::object& processor);
  void read_padding();
  void check_added();
  void take(std::string_view token, std::string_view what, std::string& into);

  const json::object& root_;
  const json::object* vocabulary_ = nullptr;
  ConvertedTokenizer out_;
  std::optional<Error> error_;
};

void TokenizerReader::take(std::string_view token, std::string_view what, std::string& into) {
  if (vocabulary_ == nullptr) return;
  if (token.empty() || !vocabulary_->contains(token)) return refuse(fmt::format("{} is '{}', which is not in its vocabulary", what, token.substr(0, 80)));
  into = token;
}

void TokenizerReader::read_vocabulary() {
  const json::object* model = inner(root_, "model");
  if (word(model, "type") != "WordPiece")
    return refuse(fmt::format("its model is of the type '{}'; WordPiece can be done (or deploy the model as task 'tensors' and make the tokens yourself)",
                              word(model, "type").substr(0, 40)));
  if (word(model, "continuing_subword_prefix") != "##") return refuse("its continuing_subword_prefix is not '##'");
  vocabulary_ = inner(*model, "vocab");
  if (vocabulary_ == nullptr || vocabulary_->empty()) return refuse("it has no vocabulary");
  std::vector<std::string_view> tokens(vocabulary_->size());
  for (const auto& [token, id] : *vocabulary_) {
    if (!id.is_int64() || id.get_int64() < 0 || static_cast<size_t>(id.get_int64()) >= tokens.size())
      return refuse("the ids of its vocabulary are not 0, 1, 2, …");
    if (token.empty() || token.find_first_of("\r\n") != std::string_view::npos) return refuse("a token of its vocabulary is empty or has more than one line");
    tokens[static_cast<size_t>(id.get_int64())] = token;
  }
  for (const std::string_view token : tokens) {
    if (token.empty()) return refuse("two tokens of its vocabulary have the same id");
    out_.vocabulary.append(token).append("\n");
  }
  take(word(model, "unk_token"), "unk_token", out_.tokenizer.unknown);
}

void TokenizerReader::read_normalizer() {
  const json::object* normalizer = inner(root_, "normalizer");
  const json::object* splitter = inner(root_, "pre_tokenizer");
  if (word(normalizer, "type") != "BertNormalizer" || word(splitter, "type") != "BertPreTokenizer")
    return refuse("its normalizer and pre_tokenizer are not BERT's");
  const json::value* lowercase = normalizer->if_contains("lowercase");
  out_.tokenizer.lowercase = lowercase == nullptr || !lowercase->is_bool() || lowercase->get_bool();
  if (!agrees(*normalizer, "clean_text", true) || !agrees(*normalizer, "handle_chinese_chars", true) ||
      !agrees(*normalizer, "strip_accents", out_.tokenizer.lowercase))
    refuse("its normalizer does not clean texts, set Chinese characters apart, and strip accents where it makes small letters, as BERT's own does");
}

// What stands around a text.
void TokenizerReader::read_marks() {
  const json::object* processor = inner(root_, "post_processor");
  if (word(processor, "type") == "TemplateProcessing") return read_template(*processor);
  if (word(processor, "type") != "BertProcessing") return refuse("its post_processor is neither TemplateProcessing nor BertProcessing");
  for (const auto& [key, into] : {std::pair{"cls", &out_.tokenizer.cls}, {"sep", &out_.tokenizer.sep}}) {
    const json::value* pair = processor->if_contains(key);
    const bool sound = pair != nullptr && pair->is_array() && !pair->get_array().empty() && pair->get_array()[0].is_string();
    take(sound ? std::string_view(pair->get_array()[0].get_string()) : std::string_view(), key, *into);
  }
}

void TokenizerReader::read_template(const json::object& processor) {
  const json::value* single = processor.if_contains("single");
  const json::array* parts = single == nullptr ? nullptr : single->if_array();
  if (parts == nullptr || parts->size() != 3 || !(*parts)[0].is_object() || !(*parts)[1].is_object() || !(*parts)[2].is_object() ||
      inner((*parts)[1].get_object(), "Sequence") == nullptr)
    return refuse("its post_processor does not put one token before a text and one behind it");
  take(word(inner((*parts)[0].get_object(), "SpecialToken"), "id"), "the token before a text", out_.tokenizer.cls);
  take(word(inner((*parts)[2].get_object(), "SpecialToken"), "id"), "the token behind a text", out_.tokenizer.sep);
}

void TokenizerReader::read_padding() {
  const std::string_view token = word(inner(root_, "padding"), "pad_token");
  take(token.empty() ? std::string_view(out_.tokenizer.pad) : token, "the token that fills up", out_.tokenizer.pad);
}

void TokenizerReader::check_added() {
  const json::value* added = root_.if_contains("added_tokens");
  if (added == nullptr || !added->is_array() || vocabulary_ == nullptr) return;
  for (const json::value& token : added->get_array()) {
    const std::string_view content = word(token.if_object(), "content");
    if (!vocabulary_->contains(content)) return refuse(fmt::format("it adds the token '{}', which is not in its vocabulary", content.substr(0, 80)));
  }
}

}  // namespace

Result<ConvertedTokenizer> convert_tokenizer_json(std::string_view text) {
  if (text.size() > domain::kTokenizerFileBytesMax)
    return fail(ErrorKind::kTooLarge, fmt::format("tokenizer.json: {} bytes, but at most {} are read", text.size(), domain::kTokenizerFileBytesMax),
                "tokenizer.vocabulary");
  const Result<json::value> value = parse_json(text);
  if (!value) return fail(value.error().with_context("tokenizer.json"));
  if (!value->is_object()) return fail(ErrorKind::kInvalid, "tokenizer.json: it is not an object", "tokenizer.vocabulary");
  return TokenizerReader(value->get_object()).read();
}

}  // namespace ebb::wire
