// Three ways to ask, one answer.
#include "wire/classify.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/json.h"
#include "base/utf8.h"
#include "domain/limits.h"
#include "wire/multipart.h"
#include "wire/openai_read.h"

namespace ebb::wire {

namespace {

class LabelsWriter final : public WholeWriter {
 public:
  void add_labels(const domain::Labels& labels) override {
    body_ += count_++ == 0 ? R"({"labels":[)" : R"(,{"labels":[)";
    for (size_t i = 0; i < labels.labels.size(); ++i) {
      const domain::Labels::Label& label = labels.labels[i];
      char digits[24];
      const auto [end, error] = std::to_chars(digits, digits + sizeof digits, label.score);
      body_ += fmt::format(R"({}{{"label":{},"score":{}}})", i == 0 ? "" : ",", json::serialize(json::value(label.label)), std::string_view(digits, end));
    }
    body_ += "]}";
  }

  std::string whole(const Answered& answered) override {
    const int64_t tokens = answered.usage.prompt_tokens;
    return fmt::format("{{\"model\":{},\"results\":[{}],\"usage\":{}}}\n", json::serialize(json::value(answered.head.model)), body_,
                       json::serialize(json::object{{"prompt_tokens", tokens}, {"total_tokens", tokens}}));
  }

 private:
  std::string body_;  // results so far
  size_t count_ = 0;
};

std::unexpected<Error> wrong(std::string_view field, std::string message) { return fail(ErrorKind::kInvalid, std::move(message), std::string(field)); }

Result<int> parse_top(std::string_view text) {
  if (text.empty()) return domain::Samples{}.top;
  int top = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), top);
  if (error != std::errc{} || end != text.data() + text.size() || top < 1 || top > domain::kLabelsMax)
    return wrong("top", fmt::format("'top' must be between 1 and {}", domain::kLabelsMax));
  return top;
}

Asked asked_of(std::string model, domain::Samples samples) {
  Asked asked;
  domain::Call call;
  call.endpoint = std::move(model);
  call.input = std::move(samples);
  asked.calls.push_back(std::move(call));
  asked.writer = std::make_unique<LabelsWriter>();
  return asked;
}

std::vector<std::string> read_texts(ObjectReader& reader) {
  std::vector<std::string> texts;
  const json::value* input = reader.find("input");
  const json::array* list = input == nullptr ? nullptr : input->if_array();
  const size_t count = list != nullptr ? list->size() : input != nullptr ? 1 : 0;
  if (count == 0 || count > domain::kInputsMax) {
    reader.add_error("input", fmt::format("'input' must be a text, or a list of 1 to {} texts", domain::kInputsMax));
    return texts;
  }
  for (size_t i = 0; i < count; ++i) {
    const json::string* text = (list != nullptr ? (*list)[i] : *input).if_string();
    if (text == nullptr || text->empty()) {
      reader.add_error("input", "'input' must be texts that are not empty");
      return texts;
    }
    texts.emplace_back(*text);
  }
  return texts;
}

}  // namespace

Result<Asked> ask_classify_text(std::string_view body) {
  const Result<json::value> value = parse_json(body);
  if (!value) return fail(value.error());
  ObjectReader reader(*value, "");
  if (!reader.ok()) return fail(reader.error());
  domain::Samples samples;
  std::string model = read_model(reader);
  samples.items = read_texts(reader);
  samples.top = static_cast<int>(reader.integer("top", 1, domain::kLabelsMax).value_or(samples.top));
  reader.refuse_unknown({"model", "input", "top"});
  if (!reader.ok()) return fail(reader.error());
  return asked_of(std::move(model), std::move(samples));
}

Result<Asked> ask_classify_image(std::string model, std::string_view top, std::string_view body) {
  if (model.empty()) return wrong("model", "'model' is required: POST to /v1/classify?model=NAME");
  if (body.empty()) return wrong("file", "there is no picture: send a JPEG or PNG file");
  const Result<int> labels = parse_top(top);
  if (!labels) return fail(labels.error());
  domain::Samples samples{.kind = domain::Samples::Kind::kImage, .items = {}, .top = *labels};
  samples.items.emplace_back(body);
  return asked_of(std::move(model), std::move(samples));
}

Result<Asked> ask_classify_form(std::string_view content_type, std::string_view body) {
  const Result<std::vector<FormPart>> parts = parse_form(content_type, body);
  if (!parts) return fail(parts.error());
  std::optional<std::string_view> model;
  std::optional<std::string_view> top;
  std::optional<std::string_view> file;
  for (const FormPart& part : *parts) {
    std::optional<std::string_view>* const field = part.name == "model" ? &model : part.name == "top" ? &top : part.name == "file" ? &file : nullptr;
    if (field == nullptr) return wrong(part.name, fmt::format("the form has a field '{}': it takes 'model', 'file' and 'top'", part.name.substr(0, 64)));
    if (*field) return wrong(part.name, fmt::format("the form has the field '{}' twice: one picture at a time", part.name));
    *field = part.data;
  }
  if (!model || model->empty() || !is_utf8(*model)) return wrong("model", "the form must have a field 'model' with the endpoint's name");
  if (!file) return wrong("file", "the form must have a field 'file' with a JPEG or PNG picture");
  return ask_classify_image(std::string(*model), top.value_or(""), *file);
}

}  // namespace ebb::wire
