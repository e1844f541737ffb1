// POST /v1/embeddings: texts, and a vector for each.
#include <fmt/format.h>

#include "domain/limits.h"
#include "wire/openai.h"
#include "wire/openai_fields.h"
#include "wire/openai_read.h"
#include "wire/vector_text.h"

namespace ebb::wire {

namespace {

enum class Encoding { kFloat, kBase64 };

class EmbeddingWriter final : public WholeWriter {
 public:
  explicit EmbeddingWriter(Encoding encoding) : encoding_(encoding) {}

  void add_vector(const domain::Vector& vector) override {
    body_ += fmt::format(R"({}{{"object":"embedding","index":{},"embedding":)", count_ == 0 ? "" : ",", count_);
    ++count_;
    if (encoding_ == Encoding::kFloat) {
      append_array(body_, vector.values);
    } else {
      body_ += '"';
      append_base64(body_, vector.values);
      body_ += '"';
    }
    body_ += '}';
  }

  std::string whole(const Answered& answered) override {
    const int64_t tokens = answered.usage.prompt_tokens;
    body_ += fmt::format(R"(],"model":{},"usage":{}}})", json::serialize(json::value(answered.head.model)),
                         json::serialize(json::object{{"prompt_tokens", tokens}, {"total_tokens", tokens}}));
    body_ += '\n';
    return std::move(body_);
  }

 private:
  Encoding encoding_;
  std::string body_ = R"({"object":"list","data":[)";  // so far
  size_t count_ = 0;
};

Encoding read_encoding(ObjectReader& reader) {
  const std::string word = reader.string("encoding_format").value_or("float");
  if (word != "float" && word != "base64") reader.add_error("encoding_format", "'encoding_format' must be \"float\" or \"base64\"");
  return word == "base64" ? Encoding::kBase64 : Encoding::kFloat;
}

}  // namespace

Result<Asked> ask_embeddings(std::string_view body) {
  Result<json::value> value = parse_json(body);
  if (!value) return fail(value.error());
  ObjectReader reader(*value, "");
  if (!reader.ok()) return fail(reader.error());
  domain::Call call;
  domain::Texts texts;
  call.endpoint = read_model(reader);
  texts.inputs = read_prompts(reader, "input", domain::kInputsMax);
  texts.dimensions = reader.integer("dimensions", 1, domain::kVectorValuesMax);
  call.input = std::move(texts);
  Asked asked{.calls = {}, .ignored = {}, .writer = std::make_unique<EmbeddingWriter>(read_encoding(reader))};
  check_fields(reader, value->get_object(), embedding_fields(), asked.ignored);
  if (!reader.ok()) return fail(reader.error());
  asked.calls.push_back(std::move(call));
  return asked;
}

}  // namespace ebb::wire
