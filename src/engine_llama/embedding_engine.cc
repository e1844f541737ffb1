// Texts into tokens, batches into vectors.
#include "engine_llama/embedding_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/check.h"
#include "base/utf8.h"
#include "domain/limits.h"
#include "engine_llama/schedule.h"
#include "engine_llama/shown_prompt.h"

namespace ebb::engine_llama {

namespace {

using Kind = engine::StepEvent::Kind;

// Cutting so much into tokens takes milliseconds.
constexpr size_t kCutBytesPerStep = 64 * 1024;

size_t bytes_of(const domain::Prompt& input) {
  if (const auto* text = std::get_if<std::string>(&input.text)) return text->size();
  return std::get<std::vector<int32_t>>(input.text).size() * sizeof(int32_t);
}

Error at_input(size_t index, std::string_view what, std::string code = {}) {
  return {.kind = ErrorKind::kInvalid, .message = fmt::format("'input[{}]' {}", index, what), .param = "input", .code = std::move(code)};
}

// The first values, scaled to length 1.
Result<std::vector<float>> unit_vector(std::span<const float> values, size_t dimensions) {
  std::vector<float> out(values.begin(), values.begin() + static_cast<ptrdiff_t>(dimensions));
  double sum = 0;
  for (const float value : out)
    sum += static_cast<double>(value) * value;
  const double length = std::sqrt(sum);
  if (!std::isfinite(length) || length <= 0) return fail(ErrorKind::kInternal, "the model gave a vector without a direction");
  for (float& value : out)
    value = static_cast<float>(value / length);
  return out;
}

}  // namespace

Result<std::unique_ptr<engine::Engine>> EmbeddingEngine::make(std::unique_ptr<LoadedModel> model, const engine::LoadOptions& options,
                                                              engine::Progress progress) {
  if (model->width() > domain::kVectorValuesMax)
    return fail(ErrorKind::kInvalid, fmt::format("the model's vectors have {} values, at most {} are supported", model->width(), domain::kVectorValuesMax));
  std::unique_ptr<EmbeddingEngine> engine(new EmbeddingEngine(std::move(model), options, std::move(progress)));
  if (options.slots > 0) {
    if (const Status ready = engine->set_slots(options.slots); !ready) return fail(ready.error());
  }
  return engine;
}

// Positions beyond those that the model was made for would be read from behind its tensors.
EmbeddingEngine::EmbeddingEngine(std::unique_ptr<LoadedModel> model, const engine::LoadOptions& options, engine::Progress progress)
    : model_(std::move(model)), context_tokens_(std::min(options.context_tokens, model_->train_context())), progress_(std::move(progress)) {
  threads_.set(options.threads);
}

Status EmbeddingEngine::set_slots(int slots) {
  EBB_CHECK(slots >= 1);
  if (batch_ == nullptr) {
    Result<std::unique_ptr<PooledBatch>> batch = PooledBatch::make(*model_, context_tokens_, threads_, progress_);
    if (!batch) return fail(batch.error());
    batch_ = std::move(*batch);
  }
  slots_ = std::max(slots, static_cast<int>(running_.size()));
  return {};
}

void EmbeddingEngine::park() {
  EBB_CHECK(!busy());
  batch_.reset();
  threads_.drop_replaced();
  slots_ = 0;
}

void EmbeddingEngine::set_threads(int threads) {
  threads_.set(threads);
  if (batch_ != nullptr) batch_->use(threads_);
}

Status EmbeddingEngine::show(CallId call, const domain::Call& what) {
  const auto* prompt = std::get_if<domain::Prompt>(&what.input);
  if (prompt == nullptr) return fail(ErrorKind::kInvalid, "The model of this endpoint has no chats: give a text as 'prompt'", "messages");
  if (const int64_t at_least = model_->tokens_at_least(bytes_of(*prompt)); at_least > context_tokens_)
    return fail(engine::context_exceeded(at_least, context_tokens_));
  const Result<std::vector<Token>> tokens = model_->tokens_of(*prompt);
  if (!tokens) return fail(tokens.error());
  Result<Events> shown = shown_prompt(call, *model_, *tokens);
  if (!shown) return fail(shown.error());
  std::ranges::move(*shown, std::back_inserter(shown_));
  return {};
}

Status EmbeddingEngine::check(const domain::Texts& texts) const {
  if (texts.dimensions && std::cmp_greater(*texts.dimensions, model_->width()))
    return fail(ErrorKind::kInvalid, fmt::format("'dimensions' is {}, but the model's vectors have {}", *texts.dimensions, model_->width()), "dimensions");
  const auto values = static_cast<size_t>(texts.dimensions.value_or(static_cast<int64_t>(model_->width())));
  const size_t most = domain::kVectorBytesMax / sizeof(float) / values;
  if (texts.inputs.size() > most)
    return fail(ErrorKind::kInvalid, fmt::format("'input' has {} texts, but vectors of {} values are given for {} at once", texts.inputs.size(), values, most),
                "input");
  return {};
}

Status EmbeddingEngine::execute(CallId call, const domain::Call& what) {
  if (std::cmp_greater_equal(running_.size(), slots_)) return fail(engine::all_slots_taken(slots_));
  if (what.show_prompt) return show(call, what);
  const auto* texts = std::get_if<domain::Texts>(&what.input);
  if (texts == nullptr)
    return fail(ErrorKind::kInvalid, "The model of this endpoint turns texts into vectors: it answers /v1/embeddings, and generates no text", "model");
  if (const Status fine = check(*texts); !fine) return fine;
  running_.push_back({.call = call, .texts = *texts, .dimensions = static_cast<size_t>(texts->dimensions.value_or(static_cast<int64_t>(model_->width())))});
  return {};
}

std::optional<engine::StepEvent> EmbeddingEngine::cancel(CallId call) {
  const auto found = std::ranges::find(running_, call, &Running::call);
  if (found == running_.end() && std::erase_if(shown_, [call](const engine::StepEvent& event) { return event.call == call; }) == 0) return std::nullopt;
  engine::StepEvent event{.call = call, .kind = Kind::kCancelled};
  if (found != running_.end()) {
    event.prompt_tokens = found->tokens;
    running_.erase(found);
  }
  return event;
}

std::vector<engine::StepEvent> EmbeddingEngine::step() {
  Events events = std::exchange(shown_, {});
  if (running_.empty()) return events;
  Running running = std::move(running_.front());
  running_.pop_front();
  if (!advance(running, events)) running_.push_back(std::move(running));
  return events;
}

bool EmbeddingEngine::advance(Running& running, Events& events) {
  const auto fails = [&](const Error& error) {
    events.push_back({.call = running.call, .kind = Kind::kFailed, .error = error});
    return true;
  };
  const size_t count = running.texts.inputs.size();
  if (running.inputs.size() < count) {
    if (const Status cut = cut_some(running); !cut) return fails(cut.error());
    if (running.inputs.size() < count) {
      events.push_back({.call = running.call, .kind = Kind::kProgress, .prompt_tokens = running.tokens});
      return false;
    }
    events.push_back({.call = running.call, .kind = Kind::kStarted, .prompt_tokens = running.tokens});
  }
  if (const Status computed = compute_some(running, events); !computed) return fails(computed.error());
  if (running.computed < count) return false;
  events.push_back({.call = running.call, .kind = Kind::kFinished, .prompt_tokens = running.tokens});
  return true;
}

Status EmbeddingEngine::cut_some(Running& running) const {
  for (size_t bytes = 0; bytes < kCutBytesPerStep && running.inputs.size() < running.texts.inputs.size();) {
    const size_t index = running.inputs.size();
    domain::Prompt input = std::exchange(running.texts.inputs[index], {});
    bytes += bytes_of(input);
    Result<std::vector<Token>> tokens = tokens_of(std::move(input), index, running.texts.cut_to_fit);
    if (!tokens) return fail(tokens.error());
    running.tokens += static_cast<int64_t>(tokens->size());
    running.inputs.push_back(std::move(*tokens));
  }
  return {};
}

Result<std::vector<Token>> EmbeddingEngine::tokens_of(domain::Prompt input, size_t index, bool cut_to_fit) const {
  const auto too_long = [&](int64_t tokens, std::string_view more) {
    return fail(at_input(index, fmt::format("has {}{} tokens, but this endpoint takes at most {} in a text: split it", more, tokens, context_tokens_),
                         "context_length_exceeded"));
  };
  auto* const text = std::get_if<std::string>(&input.text);
  // Text far beyond the context is not even cut into tokens: that alone would take seconds.
  if (const int64_t at_least = text == nullptr ? 0 : model_->tokens_at_least(text->size()); at_least > context_tokens_) {
    if (!cut_to_fit) return too_long(at_least, "at least ");
    text->resize(model_->bytes_at_most(context_tokens_));
    text->resize(text->size() - unfinished_utf8(*text));
  }
  Result<std::vector<Token>> tokens = model_->tokens_of(input);
  if (!tokens && tokens.error().kind == ErrorKind::kInvalid) return fail(at_input(index, fmt::format("cannot be taken: {}", tokens.error().message)));
  if (!tokens) return tokens;
  const auto count = static_cast<int64_t>(tokens->size());
  if (count <= context_tokens_) return tokens;
  if (!cut_to_fit) return too_long(count, "");
  // What the vocabulary puts behind a text stays behind it.
  const Token last = tokens->back();
  tokens->resize(static_cast<size_t>(context_tokens_));
  if (text != nullptr && model_->is_control(last)) tokens->back() = last;
  return tokens;
}

Status EmbeddingEngine::compute_some(Running& running, Events& events) {
  const std::span<const std::vector<Token>> rest = std::span(running.inputs).subspan(running.computed);
  const std::span<const std::vector<Token>> texts = rest.first(texts_in_batch(rest));
  if (const Status computed = batch_->compute(texts); !computed) return computed;
  threads_.drop_replaced();
  for (size_t i = 0; i < texts.size(); ++i) {
    Result<std::vector<float>> vector = unit_vector(batch_->vector(i), running.dimensions);
    if (!vector) return fail(vector.error());
    events.push_back({.call = running.call, .kind = Kind::kVector, .values = std::move(*vector)});
  }
  running.computed += texts.size();
  return {};
}

}  // namespace ebb::engine_llama
