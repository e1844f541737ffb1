// Texts into tokens, tokens into rows, rows into vectors or labels.
#include "engine_onnx/text_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "domain/limits.h"
#include "engine_onnx/labels.h"
#include "engine_onnx/tensors.h"
#include "engine_onnx/wordpiece.h"
#include "wire/prompt_view.h"

namespace ebb::engine_onnx {

namespace {

using domain::DataType;
using domain::Tensor;
using domain::TensorSpec;
using Tokens = std::vector<int32_t>;
using Kind = engine::StepEvent::Kind;

// Texts are padded to a multiple of this, so that more of them are equally long; it costs a text at most as many tokens.
constexpr size_t kPadTo = 16;
// What is put around a text.
constexpr size_t kAround = 2;

struct TextModel {
  const Model* model = nullptr;
  WordPiece tokenizer;
  std::vector<std::string> labels;     // of classification
  std::vector<std::string> outputs;    // the one
  size_t tokens_max = 0;               // of one text
  std::optional<size_t> fixed_length;  // tokens that the model takes, no more and no less
  bool has_batches = false;            // it takes any number of texts
  const wire::Manifest& manifest() const { return model->manifest(); }
};

// Texts of a call, and what becomes of each.
class TextWork : public Work {
 public:
  TextWork(const TextModel& text, std::vector<domain::Prompt> inputs, bool cut_to_fit, std::string field)
      : text_(text), texts_(std::move(inputs)), cut_to_fit_(cut_to_fit), field_(std::move(field)) {}

  Status begin() override {
    for (size_t i = 0; i < texts_.size(); ++i) {
      Result<Tokens> tokens = tokens_of(std::exchange(texts_[i], {}), i);
      if (!tokens) return fail(tokens.error());
      tokens_count_ += static_cast<int64_t>(tokens->size());
      tokens_.push_back(std::move(*tokens));
    }
    given_.resize(tokens_.size());
    return {};
  }
  int64_t prompt_tokens() const override { return tokens_count_; }
  size_t parts() const override { return texts_.size(); }
  PartSize size_of(size_t part) const override {
    const size_t length = padded_length(tokens_[part].size());
    return {.kind = text_.has_batches ? fmt::format("texts of {}", length) : "", .rows = 1, .bytes = length * text_.model->inputs().size() * sizeof(int64_t)};
  }
  Result<std::vector<Tensor>> inputs_of(size_t part) override {
    const Tokens& tokens = tokens_[part];
    std::vector<Tensor> inputs;
    for (const TensorSpec& spec : text_.model->inputs())
      inputs.push_back(input(spec, tokens, padded_length(tokens.size())));
    return inputs;
  }
  const std::vector<std::string>& outputs() const override { return text_.outputs; }
  Status take(size_t part, std::vector<Tensor> outputs) override {
    Result<engine::StepEvent> event = event_of(outputs.at(0), tokens_[part].size());
    if (!event) return fail(event.error());
    given_[part] = std::move(*event);
    return {};
  }
  std::vector<engine::StepEvent> give() override {
    std::vector<engine::StepEvent> events;
    for (; next_ < given_.size() && given_[next_]; ++next_)
      events.push_back(*std::exchange(given_[next_], std::nullopt));
    return events;
  }

 protected:
  const TextModel& text() const { return text_; }

 private:
  // Of the output's one row; the text has so many tokens.
  virtual Result<engine::StepEvent> event_of(const Tensor& output, size_t tokens) const = 0;

  size_t padded_length(size_t tokens) const {
    if (text_.fixed_length) return *text_.fixed_length;
    if (text_.manifest().inputs.mask.empty()) return tokens;  // padding could not be told from text
    return std::min((tokens + kPadTo - 1) / kPadTo * kPadTo, text_.tokens_max);
  }

  Error at_input(size_t index, std::string_view what, std::string code = {}) const {
    return {.kind = ErrorKind::kInvalid, .message = fmt::format("'{}[{}]' {}", field_, index, what), .param = field_, .code = std::move(code)};
  }

  Result<Tokens> tokens_of(domain::Prompt input, size_t index) const {
    const auto too_long = [&](std::string_view count) {
      return fail(at_input(index, fmt::format("has {} tokens, but this endpoint takes at most {} in a text: split it", count, text_.tokens_max),
                           "context_length_exceeded"));
    };
    if (auto* tokens = std::get_if<Tokens>(&input.text)) {
      if (tokens->empty()) return fail(at_input(index, "is empty"));
      const auto unknown = std::ranges::find_if(*tokens, [this](int32_t token) { return token < 0 || std::cmp_greater_equal(token, text_.tokenizer.size()); });
      if (unknown != tokens->end())
        return fail(at_input(index, fmt::format("has the token {}, which the vocabulary of {} does not have", *unknown, text_.tokenizer.size())));
      if (tokens->size() > text_.tokens_max && !cut_to_fit_) return too_long(std::to_string(tokens->size()));
      tokens->resize(std::min(tokens->size(), text_.tokens_max));
      return std::move(*tokens);
    }
    const size_t room = text_.tokens_max - kAround;
    Tokens words = text_.tokenizer.cut(std::get<std::string>(input.text), room);
    if (words.size() > room && !cut_to_fit_) return too_long(fmt::format("more than {}", text_.tokens_max));
    words.resize(std::min(words.size(), room));
    words.insert(words.begin(), text_.tokenizer.cls());
    words.push_back(text_.tokenizer.sep());
    return words;
  }

  Tensor input(const TensorSpec& spec, const Tokens& tokens, size_t length) const {
    const wire::TextInputs& names = text_.manifest().inputs;
    std::vector<int64_t> values(length, 0);
    if (spec.name == names.tokens) {
      std::ranges::fill(values, text_.tokenizer.pad());
      std::ranges::copy(tokens, values.begin());
    } else if (spec.name == names.mask) {
      std::fill_n(values.begin(), tokens.size(), 1);
    }
    Tensor tensor{.head = {.name = spec.name, .type = spec.type, .shape = {1, static_cast<int64_t>(length)}}};
    if (spec.type == DataType::kInt64) {
      tensor.data.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(int64_t));
    } else {
      const std::vector<int32_t> small(values.begin(), values.end());
      tensor.data.assign(reinterpret_cast<const char*>(small.data()), small.size() * sizeof(int32_t));
    }
    return tensor;
  }

  const TextModel& text_;
  std::vector<domain::Prompt> texts_;  // each is given up when it was cut
  bool cut_to_fit_;
  std::string field_;  // of the request, where the texts stand
  std::vector<Tokens> tokens_;
  int64_t tokens_count_ = 0;
  std::vector<std::optional<engine::StepEvent>> given_;  // by part, until they can be given in order
  size_t next_ = 0;
};

class VectorWork final : public TextWork {
 public:
  VectorWork(const TextModel& text, const domain::Texts& texts)
      : TextWork(text, texts.inputs, texts.cut_to_fit, "input"), dimensions_(texts.dimensions), unit_(text.manifest().normalize || texts.dimensions) {}

 private:
  Result<engine::StepEvent> event_of(const Tensor& output, size_t tokens) const override {
    const size_t dimensions = text().manifest().pooling == wire::Pooling::kNone ? 2 : 3;
    if (output.head.shape.size() != dimensions) return fail(ErrorKind::kInternal, "the model gave another number of dimensions than it says");
    const auto width = static_cast<size_t>(output.head.shape.back());
    const std::vector<float> values = floats_of(output);
    std::vector<float> vector = pooled(values, tokens, width);
    if (dimensions_ && std::cmp_greater(*dimensions_, vector.size()))
      return fail(ErrorKind::kInvalid, fmt::format("'dimensions' is {}, but the model's vectors have {}", *dimensions_, vector.size()), "dimensions");
    if (dimensions_) vector.resize(static_cast<size_t>(*dimensions_));
    if (const Status sound = finish(vector); !sound) return fail(sound.error());
    return engine::StepEvent{.kind = Kind::kVector, .values = std::move(vector)};
  }

  std::vector<float> pooled(const std::vector<float>& values, size_t tokens, size_t width) const {
    const wire::Pooling pooling = text().manifest().pooling;
    std::vector<float> vector(values.begin(), values.begin() + static_cast<ptrdiff_t>(std::min(width, values.size())));
    if (pooling != wire::Pooling::kMean) return vector;
    std::vector<double> sums(width, 0.0);
    const size_t rows = std::min(tokens, width == 0 ? 0 : values.size() / width);
    for (size_t i = 0; i < rows * width; ++i)
      sums[i % width] += static_cast<double>(values[i]);
    for (size_t i = 0; i < width; ++i)
      vector[i] = static_cast<float>(sums[i] / static_cast<double>(std::max<size_t>(rows, 1)));
    return vector;
  }

  Status finish(std::vector<float>& vector) const {
    double sum = 0;
    for (const float value : vector)
      sum += static_cast<double>(value) * static_cast<double>(value);
    const double length = std::sqrt(sum);
    if (vector.empty() || vector.size() > domain::kVectorValuesMax || !std::isfinite(length) || (unit_ && length <= 0))
      return fail(ErrorKind::kInternal, "the model gave a vector without a direction");
    for (float& value : vector)
      value = unit_ ? static_cast<float>(value / length) : value;
    return {};
  }

  std::optional<int64_t> dimensions_;
  bool unit_;
};

class TextLabelWork final : public TextWork {
 public:
  TextLabelWork(const TextModel& text, std::vector<domain::Prompt> texts, int top) : TextWork(text, std::move(texts), false, "inputs"), top_(top) {}

 private:
  Result<engine::StepEvent> event_of(const Tensor& output, size_t /*tokens*/) const override {
    Result<domain::Labels> labels = best_labels(floats_of(output), text().manifest().scores, text().labels, top_);
    if (!labels) return fail(labels.error());
    return engine::StepEvent{.kind = Kind::kLabels, .labels = std::move(*labels)};
  }

  int top_;
};

// Nothing but the tokens of a prompt, for those who want to see them.
class ShownTokens final : public Work {
 public:
  ShownTokens(const TextModel& text, domain::Prompt prompt) : text_(text), prompt_(std::move(prompt)) {}

  Status begin() override {
    const auto* given = std::get_if<Tokens>(&prompt_.text);
    Tokens tokens = given != nullptr ? *given : text_.tokenizer.cut(std::get<std::string>(prompt_.text), text_.tokens_max);
    if (given == nullptr) {
      tokens.insert(tokens.begin(), text_.tokenizer.cls());
      tokens.push_back(text_.tokenizer.sep());
    }
    if (tokens.size() > text_.tokens_max) return fail(engine::context_exceeded(static_cast<int64_t>(tokens.size()), static_cast<int64_t>(text_.tokens_max)));
    std::vector<std::pair<int32_t, std::string>> spelled;
    for (const int32_t token : tokens) {
      if (token < 0 || std::cmp_greater_equal(token, text_.tokenizer.size()))
        return fail(ErrorKind::kInvalid, fmt::format("the vocabulary has no token {}", token), "prompt");
      spelled.emplace_back(token, text_.tokenizer.word(token));
    }
    count_ = static_cast<int64_t>(tokens.size());
    shown_ = wire::encode_shown_tokens(spelled);
    return {};
  }
  int64_t prompt_tokens() const override { return count_; }
  size_t parts() const override { return 0; }
  PartSize size_of(size_t /*part*/) const override { return {}; }
  Result<std::vector<Tensor>> inputs_of(size_t /*part*/) override { return std::vector<Tensor>{}; }
  const std::vector<std::string>& outputs() const override { return text_.outputs; }
  Status take(size_t /*part*/, std::vector<Tensor> /*outputs*/) override { return {}; }
  std::vector<engine::StepEvent> give() override { return {{.kind = Kind::kText, .text = {.text = shown_}}}; }

 private:
  const TextModel& text_;
  domain::Prompt prompt_;
  int64_t count_ = 0;
  std::string shown_;
};

class TextTask final : public Task {
 public:
  explicit TextTask(TextModel text) : text_(std::move(text)) {}

  Result<std::unique_ptr<Work>> work_for(const domain::Call& call) const override {
    if (call.show_prompt) {
      const auto* prompt = std::get_if<domain::Prompt>(&call.input);
      if (prompt == nullptr) return fail(ErrorKind::kInvalid, "The model of this endpoint has no chats: give a text as 'prompt'", "messages");
      return std::make_unique<ShownTokens>(text_, *prompt);
    }
    return text_.manifest().task == domain::Task::kEmbedding ? vectors_for(call) : labels_for(call);
  }

 private:
  Result<std::unique_ptr<Work>> vectors_for(const domain::Call& call) const {
    const auto* texts = std::get_if<domain::Texts>(&call.input);
    if (texts == nullptr) return fail(engine::not_what_it_does("turns texts into vectors"));
    const int64_t width = width_of_vectors();
    if (texts->dimensions && width > 0 && *texts->dimensions > width)
      return fail(ErrorKind::kInvalid, fmt::format("'dimensions' is {}, but the model's vectors have {}", *texts->dimensions, width), "dimensions");
    const auto values = static_cast<size_t>(texts->dimensions.value_or(std::max<int64_t>(width, 1)));
    const size_t most = domain::kVectorBytesMax / sizeof(float) / values;
    if (texts->inputs.size() > most)
      return fail(ErrorKind::kInvalid,
                  fmt::format("'input' has {} texts, but vectors of {} values are given for {} at once", texts->inputs.size(), values, most), "input");
    return std::make_unique<VectorWork>(text_, *texts);
  }

  Result<std::unique_ptr<Work>> labels_for(const domain::Call& call) const {
    const auto* samples = std::get_if<domain::Samples>(&call.input);
    if (samples == nullptr || samples->kind != domain::Samples::Kind::kText) return fail(engine::not_what_it_does("gives labels to texts"));
    std::vector<domain::Prompt> texts;
    for (const std::string& item : samples->items)
      texts.push_back({.text = item});
    return std::make_unique<TextLabelWork>(text_, std::move(texts), samples->top);
  }

  // -1: the model does not say.
  int64_t width_of_vectors() const {
    const auto output = std::ranges::find(text_.model->outputs(), text_.manifest().output, &TensorSpec::name);
    return output->shape.back();
  }

  TextModel text_;
};

Status refuse_model(std::string_view why) { return fail(ErrorKind::kCorrupt, std::string(why)); }

// The first dimension counts texts, the second of the inputs tokens.
Status read_shapes(TextModel& text) {
  text.has_batches = text.model->keeps_rows_apart();
  for (const TensorSpec& spec : text.model->inputs()) {
    if (spec.shape[0] != -1 && spec.shape[0] != 1)
      return refuse_model(fmt::format("the model's input '{}' takes {} texts at once: export it for one, or for any number", spec.name, spec.shape[0]));
    if (spec.shape[0] != -1) text.has_batches = false;
    if (spec.shape[1] > 0) text.fixed_length = static_cast<size_t>(spec.shape[1]);
  }
  const auto output = std::ranges::find(text.model->outputs(), text.manifest().output, &TensorSpec::name);
  if (output->shape[0] != -1) text.has_batches = false;
  text.outputs = {output->name};
  if (text.fixed_length) text.tokens_max = std::min(text.tokens_max, *text.fixed_length);
  return {};
}

}  // namespace

Result<std::unique_ptr<Task>> make_text_task(const Model& model, int64_t context_tokens) {
  const wire::Manifest& manifest = model.manifest();
  const auto* vocabulary = model.file(manifest.tokenizer->vocabulary);
  if (vocabulary == nullptr) return fail(ErrorKind::kCorrupt, fmt::format("the package lacks '{}'", manifest.tokenizer->vocabulary));
  Result<WordPiece> tokenizer = WordPiece::read(*vocabulary, *manifest.tokenizer);
  if (!tokenizer) return fail(tokenizer.error());
  TextModel text{.model = &model, .tokenizer = std::move(*tokenizer)};
  text.tokens_max = static_cast<size_t>(std::max<int64_t>(kAround + 1, std::min(context_tokens, manifest.tokenizer->max_tokens)));
  if (manifest.task == domain::Task::kTextClassification) {
    const auto* file = model.file(manifest.labels);
    Result<std::vector<std::string>> labels =
        file == nullptr ? fail(ErrorKind::kCorrupt, fmt::format("the package lacks '{}'", manifest.labels)) : read_labels(*file);
    if (!labels) return fail(labels.error());
    text.labels = std::move(*labels);
  }
  if (const Status shapes = read_shapes(text); !shapes) return fail(shapes.error());
  return std::make_unique<TextTask>(std::move(text));
}

}  // namespace ebb::engine_onnx
