// Pacing and misbehaviour of the echo engine.
#include "engine/echo_engine.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/check.h"
#include "base/utf8.h"
#include "domain/limits.h"
#include "wire/prompt_view.h"

namespace ebb::engine {

namespace {

// While nothing is due, progress is shown this often, as a real engine does with every chunk of a prompt.
constexpr milliseconds kShowEvery{100};
constexpr int64_t kEchoVectorValues = 16;

[[noreturn]] void hang() {
  for (;;)
    ::poll(nullptr, 0, -1);
}

void sleep_for(milliseconds time) { ::poll(nullptr, 0, static_cast<int>(time.count())); }

std::vector<std::string> split_words(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  std::vector<std::string> words;
  for (size_t begin = text.find_first_not_of(kBlanks); begin != std::string_view::npos; begin = text.find_first_not_of(kBlanks, begin)) {
    const size_t end = std::min(text.find_first_of(kBlanks, begin), text.size());
    words.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

// What a call says to us: the words to repeat, and the tool that we "call" with them as arguments.
struct Heard {
  std::vector<std::string> words;
  std::string tool;
  int64_t prompt_tokens = 0;
  std::vector<StepEvent> pieces;
};

std::vector<std::string> words_of(const domain::Prompt& prompt) {
  if (const auto* text = std::get_if<std::string>(&prompt.text)) return split_words(*text);
  std::vector<std::string> words;
  for (const int32_t token : std::get<std::vector<int32_t>>(prompt.text))
    words.push_back(std::to_string(token));
  return words;
}

// How often bytes with the same last four bits come (the first counts one more, so that nothing has a direction too); of length 1.
std::vector<float> vector_of(const std::vector<std::string>& words, size_t dimensions) {
  std::vector<float> values(dimensions);
  values[0] = 1;
  for (const std::string& word : words) {
    for (const char c : word)
      values[(static_cast<unsigned char>(c) % kEchoVectorValues) % dimensions] += 1;
  }
  float sum = 0;
  for (const float value : values)
    sum += value * value;
  for (float& value : values)
    value /= std::sqrt(sum);
  return values;
}

// The inputs as outputs: all, or those that are asked for.
std::vector<StepEvent> echo_tensors(const domain::Tensors& tensors) {
  std::vector<StepEvent> pieces;
  for (const domain::Tensor& input : tensors.inputs) {
    if (tensors.outputs.empty() || std::ranges::count(tensors.outputs, input.head.name) > 0)
      pieces.push_back({.kind = StepEvent::Kind::kTensor, .tensor = input});
  }
  return pieces;
}

// At most so many bytes, in whole characters.
std::string_view head_of(std::string_view text, size_t bytes_max) {
  text = text.substr(0, bytes_max);
  return text.substr(0, text.size() - unfinished_utf8(text));
}

std::vector<StepEvent> echo_samples(const domain::Samples& samples) {
  std::vector<StepEvent> pieces;
  for (const std::string& item : samples.items) {
    const bool text = samples.kind == domain::Samples::Kind::kText;
    const std::string label = text ? std::string(head_of(item, domain::kLabelBytesMax)) : fmt::format("{} bytes", item.size());
    pieces.push_back({.kind = StepEvent::Kind::kLabels, .labels = {.labels = {{.label = label, .score = 1}}}});
  }
  return pieces;
}

Heard hear(const domain::Call& call, bool wants_tool) {
  Heard heard;
  if (const auto* texts = std::get_if<domain::Texts>(&call.input)) {
    for (const domain::Prompt& input : texts->inputs) {
      const std::vector<std::string> words = words_of(input);
      heard.prompt_tokens += static_cast<int64_t>(words.size());
      heard.pieces.push_back(
          {.kind = StepEvent::Kind::kVector, .values = vector_of(words, static_cast<size_t>(texts->dimensions.value_or(kEchoVectorValues)))});
    }
    return heard;
  }
  if (const auto* tensors = std::get_if<domain::Tensors>(&call.input)) {
    heard.pieces = echo_tensors(*tensors);
    return heard;
  }
  if (const auto* samples = std::get_if<domain::Samples>(&call.input)) {
    heard.pieces = echo_samples(*samples);
    return heard;
  }
  if (const auto* prompt = std::get_if<domain::Prompt>(&call.input)) {
    heard.words = words_of(*prompt);
    heard.prompt_tokens = static_cast<int64_t>(heard.words.size());
    return heard;
  }
  const auto& chat = std::get<domain::Chat>(call.input);
  std::string_view last;
  for (const domain::ChatMessage& message : chat.messages) {
    heard.prompt_tokens += static_cast<int64_t>(split_words(message.content).size());
    if (message.role == "user" || message.role == "tool") last = message.content;
  }
  heard.words = split_words(last);
  if (!chat.tools.empty() && (wants_tool || chat.tool_choice == domain::ToolChoice::kRequired)) heard.tool = chat.tools.front().name;
  return heard;
}

}  // namespace

Result<std::unique_ptr<Engine>> EchoEngine::load(const io::Clock& clock, const LoadOptions& options, const Progress& progress) {
  const Result<EchoScript> script = echo_script_of_model(options.model_name);
  if (!script) return fail(script.error());
  for (int64_t done = 0; done < script->load_ms; done += kShowEvery.count()) {
    progress(done, script->load_ms);
    sleep_for(std::min(kShowEvery, milliseconds(script->load_ms - done)));
  }
  if (script->load_crash) std::abort();
  if (script->load_hang) hang();
  if (script->load_fail) return fail(ErrorKind::kCorrupt, "the echo engine was told to fail to load");
  return std::unique_ptr<Engine>(new EchoEngine(clock, options));
}

Loader echo_loader(const io::Clock& clock) {
  return [&clock](const Fd& /*no model*/, const LoadOptions& options, const Progress& progress) { return EchoEngine::load(clock, options, progress); };
}

Status EchoEngine::set_slots(int slots) {
  EBB_CHECK(slots >= 1);
  slots_ = std::max(slots, running_count());
  return {};
}

void EchoEngine::park() {
  EBB_CHECK(running_.empty());
  slots_ = 0;
}

int EchoEngine::running_count() const {
  return static_cast<int>(std::ranges::count_if(running_, [](const auto& entry) { return !entry.second.held; }));
}

Status EchoEngine::execute(CallId call, const domain::Call& what) {
  if (running_count() >= slots_) return fail(all_slots_taken(slots_));
  Result<EchoScript> script = echo_script_of(what);
  if (!script) return fail(script.error());
  if (std::holds_alternative<domain::HttpRequest>(what.input)) return fail(ErrorKind::kInvalid, "the echo engine answers no HTTP requests");
  if (script->refuse) return fail(ErrorKind::kInvalid, "the echo engine was told to refuse this call", "messages");
  if (const auto* texts = std::get_if<domain::Texts>(&what.input); texts != nullptr && texts->dimensions.value_or(1) > kEchoVectorValues)
    return fail(ErrorKind::kInvalid, fmt::format("'dimensions' is {}, but the echo engine's vectors have {}", *texts->dimensions, kEchoVectorValues),
                "dimensions");
  Heard heard = hear(what, script->call_tool);
  const bool text = std::holds_alternative<domain::Chat>(what.input) || std::holds_alternative<domain::Prompt>(what.input);
  if (text && heard.prompt_tokens + 1 > context_tokens_) return fail(context_exceeded(heard.prompt_tokens, context_tokens_));
  if (script->exit_code) ::_exit(static_cast<int>(*script->exit_code));
  if (script->crash_on_start) std::abort();
  if (script->allocate_mib > 0) ballast_.emplace_back(static_cast<size_t>(script->allocate_mib) << 20U, 'x');

  Running running{.script = *script,
                  .words = heard.words,
                  .tool = heard.tool,
                  .logprobs = what.sampling.top_logprobs.has_value(),
                  .pieces = std::move(heard.pieces),
                  .holder = TextHolder(what.sampling.stop),
                  .prompt_tokens = heard.prompt_tokens};
  const int64_t wanted = !text                   ? static_cast<int64_t>(running.pieces.size())
                         : running.words.empty() ? 0
                                                 : script->tokens.value_or(static_cast<int64_t>(running.words.size()));
  const int64_t room = std::min(what.sampling.max_tokens.value_or(context_tokens_), context_tokens_ - heard.prompt_tokens);
  running.tokens_max = text ? std::min(wanted, room) : wanted;
  if (what.show_prompt) show_prompt(running);
  running.cut = text && wanted > room;
  running.shown = clock_.mono();
  running.first_due = running.shown + milliseconds(script->delay_ms);
  EBB_CHECK(running_.emplace(call, std::move(running)).second);
  return {};
}

// Words are its tokens; their numbers are their places.
void EchoEngine::show_prompt(Running& running) {
  std::vector<std::pair<int32_t, std::string>> tokens;
  for (const std::string& word : running.words)
    tokens.emplace_back(static_cast<int32_t>(tokens.size()), word);
  running.shown_prompt = wire::encode_shown_tokens(tokens);
  running.tokens_max = 0;
}

std::optional<StepEvent> EchoEngine::cancel(CallId call) {
  const auto found = running_.find(call);
  if (found == running_.end()) return std::nullopt;
  StepEvent event{.call = call,
                  .kind = StepEvent::Kind::kCancelled,
                  .prompt_tokens = found->second.prompt_tokens,
                  .completion_tokens = found->second.pieces.empty() ? found->second.tokens : 0};
  running_.erase(found);
  return event;
}

void EchoEngine::hold(CallId call) {
  const auto found = running_.find(call);
  if (found != running_.end() && !found->second.held) found->second.held = clock_.mono();
}

Status EchoEngine::resume(CallId call) {
  const auto found = running_.find(call);
  if (found == running_.end() || !found->second.held) return {};
  if (running_count() >= slots_) return fail(all_slots_taken(slots_));
  Running& running = found->second;
  const nanoseconds stood = clock_.mono() - *std::exchange(running.held, std::nullopt);
  running.first_due += stood;
  running.shown += stood;
  return {};
}

MonoTime EchoEngine::due(const Running& running) {
  if (!running.started) return MonoTime::min();
  const nanoseconds pace = running.script.tps > 0 ? nanoseconds(seconds(1)) / running.script.tps : nanoseconds(0);
  return running.first_due + pace * running.tokens;
}

nanoseconds EchoEngine::wait_before_step() const {
  const MonoTime now = clock_.mono();
  MonoTime next = MonoTime::max();
  for (const auto& [call, running] : running_) {
    if (!running.held) next = std::min({next, due(running), running.shown + kShowEvery});
  }
  return next <= now ? nanoseconds(0) : next - now;
}

std::vector<StepEvent> EchoEngine::step() {
  const MonoTime now = clock_.mono();
  std::vector<StepEvent> events;
  for (auto& [call, running] : running_) {
    if (!running.held) advance(call, running, now, events);
  }
  for (const CallId call : ended_)
    running_.erase(call);
  ended_.clear();
  return events;
}

void EchoEngine::advance(CallId call, Running& running, MonoTime now, std::vector<StepEvent>& events) {
  if (!running.started) {
    running.started = true;
    events.push_back({.call = call, .kind = StepEvent::Kind::kStarted, .prompt_tokens = running.prompt_tokens});
    if (!running.shown_prompt.empty()) events.push_back({.call = call, .kind = StepEvent::Kind::kText, .text = {.text = running.shown_prompt}});
  }
  if (running.tokens < running.tokens_max) {
    if (due(running) <= now) {
      running.shown = now;
      give_token(call, running, events);
    } else if (running.shown + kShowEvery <= now) {
      running.shown = now;
      events.push_back({.call = call, .kind = StepEvent::Kind::kProgress, .prompt_done = running.prompt_tokens, .prompt_tokens = running.prompt_tokens});
    }
  }
  if (running.tokens < running.tokens_max && !running.holder.stopped()) return;
  // What was held back for a stop string that never came stands for no token of its own.
  if (std::string rest = running.holder.finish(); !rest.empty())
    events.push_back({.call = call,
                      .kind = StepEvent::Kind::kText,
                      .text = {.text = std::move(rest), .part = running.tool.empty() ? domain::Part::kContent : domain::Part::kToolCall}});
  const bool called = !running.tool.empty() && running.tokens > 0;
  events.push_back({.call = call,
                    .kind = StepEvent::Kind::kFinished,
                    .prompt_tokens = running.prompt_tokens,
                    .completion_tokens = running.pieces.empty() ? running.tokens : 0,
                    .reason = running.cut && !running.holder.stopped() ? domain::FinishReason::kLength
                              : called                                 ? domain::FinishReason::kToolCalls
                                                                       : domain::FinishReason::kStop});
  ended_.push_back(call);
}

void EchoEngine::give_token(CallId call, Running& running, std::vector<StepEvent>& events) {
  misbehave(running.script, running.tokens + 1);
  if (!running.pieces.empty()) {
    StepEvent& piece = running.pieces[static_cast<size_t>(running.tokens++)];
    piece.call = call;
    events.push_back(piece);
    return;
  }
  const std::string& word = running.words[static_cast<size_t>(running.tokens) % running.words.size()];
  const std::string piece = running.tokens == 0 ? word : " " + word;
  domain::Text text{.text = running.holder.add(piece), .tokens = 1};
  if (!running.tool.empty()) {
    text.part = domain::Part::kToolCall;
    if (running.tokens == 0) text.tool_name = running.tool;
  }
  if (running.logprobs) text.logprobs.push_back({.chosen = {.bytes = piece, .logprob = -1}, .top = {{.bytes = piece, .logprob = -1}}});
  ++running.tokens;
  events.push_back({.call = call, .kind = StepEvent::Kind::kText, .text = std::move(text)});
}

void EchoEngine::misbehave(const EchoScript& script, int64_t token) {
  if (script.crash_at == token) std::abort();
  if (script.hang_at == token) hang();
  if (script.garbage_at == token) raw_output_ = std::string(64, '\xFF');
}

}  // namespace ebb::engine
