// The life of slots; what a batch holds is decided in schedule.cc, what a step does with it is in llama_engine_step.cc.
#include "engine_llama/llama_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "base/overload.h"
#include "domain/limits.h"
#include "engine_llama/attention.h"
#include "engine_llama/shown_prompt.h"
#include "io/clock.h"

namespace ebb::engine_llama {

namespace {

// Saving fewer is dearer than computing them again.
constexpr size_t kSavedTokensMin = 8;

// What a state depends on besides its tokens and the endpoint's model: it is of no use to another build of the library, with weights in another layout, by
// other kernels, or in a context of another length.
std::string shape_of_states(const LoadedModel& model, const engine::LoadOptions& options) {
  return fmt::format("{} {} attention {} by {} {} {}", library_version(), model.layout(), kAttentionOrder, attention_kernel().name, domain::kTextSlotsMax,
                     options.context_tokens);
}

domain::Priority class_of(const domain::Call& call) { return call.priority.value_or(domain::Priority::kNormal); }

// All text of strangers in a call.
size_t text_bytes(const domain::Chat& chat) {
  size_t bytes = 0;
  for (const domain::ChatMessage& message : chat.messages) {
    bytes += message.content.size();
    for (const domain::ToolCall& call : message.tool_calls)
      bytes += call.name.size() + call.arguments.size();
  }
  for (const domain::Tool& tool : chat.tools)
    bytes += tool.name.size() + tool.description.size() + tool.parameters.size();
  return bytes;
}
size_t text_bytes(const domain::Prompt& prompt) {
  const auto* text = std::get_if<std::string>(&prompt.text);
  return text == nullptr ? 0 : text->size();
}
template <class Refused>
size_t text_bytes(const Refused& /*refused*/) {
  return 0;
}

Result<Rendered> as_it_stands(const LoadedModel& model, const domain::Prompt& prompt) {
  Result<std::vector<Token>> tokens = model.tokens_of(prompt);
  if (!tokens) return fail(tokens.error());
  return Rendered{.prompt = std::move(*tokens), .grammar = {}, .reader = nullptr, .stop = {}};
}

}  // namespace

Result<std::unique_ptr<engine::Engine>> LlamaEngine::make(std::unique_ptr<LoadedModel> model, const engine::LoadOptions& options) {
  Result<std::unique_ptr<ChatFormat>> format = ChatFormat::make(*model);
  if (!format) return fail(format.error());
  std::unique_ptr<LlamaEngine> engine(new LlamaEngine(std::move(model), std::move(*format), options));
  if (options.slots > 0) {
    if (const Status ready = engine->set_slots(options.slots); !ready) return fail(ready.error());
  }
  return engine;
}

// The seeds are drawn now: once sealed, the process may not ask for randomness.
LlamaEngine::LlamaEngine(std::unique_ptr<LoadedModel> model, std::unique_ptr<ChatFormat> format, const engine::LoadOptions& options)
    : model_(std::move(model)),
      format_(std::move(format)),
      context_tokens_(options.context_tokens),
      saved_(options.prefixes, options.prefixes_key, shape_of_states(*model_, options), options.prefixes_bytes_max),
      seeds_(std::random_device{}() | uint64_t{std::random_device{}()} << 32U) {
  threads_.set(options.threads);
}

int LlamaEngine::computing_count() const { return static_cast<int>(std::ranges::count_if(slots_, &Slot::computes)); }

int LlamaEngine::held_count() const {
  return static_cast<int>(std::ranges::count_if(slots_, [](const Slot& slot) { return slot.running && slot.running->held; }));
}

Status LlamaEngine::set_slots(int slots) {
  EBB_CHECK(slots >= 1);
  const int held = held_count();
  const int computing = std::max(computing_count(), std::min(slots, domain::kTextSlotsMax - held));
  // Shrinking moves: only a new context gives the memory of the old one back.
  const Status made = computing < computing_max_ ? move_to_fresh(computing + held) : make_room(computing + held);
  if (made) computing_max_ = computing;
  return made;
}

Status LlamaEngine::make_room(int slots) {
  if (sequences_ == nullptr || slots > sequences_->capacity()) return move_to_fresh(slots);
  slots_.resize(std::max(slots_.size(), static_cast<size_t>(slots)));
  return {};
}

Status LlamaEngine::move_to_fresh(int slots) {
  Result<std::unique_ptr<Sequences>> fresh = Sequences::make(*model_, slots, context_tokens_, threads_);
  if (!fresh) return fail(fresh.error());
  return move_to(std::move(*fresh), static_cast<size_t>(slots));
}

Status LlamaEngine::move_to(std::unique_ptr<Sequences> fresh, size_t slots) {
  std::vector<size_t> order(slots_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) {
    if (slots_[a].running.has_value() != slots_[b].running.has_value()) return slots_[a].running.has_value();
    return slots_[a].last_used > slots_[b].last_used;
  });
  order.resize(std::min(order.size(), slots));
  std::ranges::sort(order);  // whoever stays keeps his place among the others

  std::vector<bool> moved(order.size(), true);
  for (size_t to = 0; to < order.size(); ++to) {
    const Slot& slot = slots_[order[to]];
    if (slot.known.empty()) continue;
    moved[to] = fresh->restore(to, sequences_->save(order[to]));
    if (!moved[to] && slot.running) return fail(ErrorKind::kExhausted, "a call could not be moved to other memory");
  }
  std::vector<Slot> kept(slots);
  for (size_t to = 0; to < order.size(); ++to) {
    kept[to] = std::move(slots_[order[to]]);
    if (!moved[to]) kept[to].known.clear();
  }
  slots_ = std::move(kept);
  sequences_ = std::move(fresh);
  threads_.drop_replaced();
  return {};
}

void LlamaEngine::park() {
  EBB_CHECK(!busy() && held_count() == 0);
  std::vector<size_t> order(slots_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) { return slots_[a].last_used < slots_[b].last_used; });
  for (const size_t index : order) {
    if (slots_[index].known.size() < kSavedTokensMin || !saved_.has_room_for(sequences_->saved_bytes(index), slots_[index].known.size())) continue;
    saved_.add(std::move(slots_[index].known), sequences_->save(index));
  }
  slots_.clear();
  computing_max_ = 0;
  if (sequences_ != nullptr) sequences_->give_back();
}

void LlamaEngine::set_threads(int threads) {
  threads_.set(threads);
  if (sequences_ != nullptr) sequences_->use(threads_);
}

Result<Rendered> LlamaEngine::render(const domain::Call& what) const {
  const size_t bytes = std::visit([](const auto& input) { return text_bytes(input); }, what.input);
  // Text far beyond the context is not even cut into tokens: that alone would take seconds.
  if (const int64_t at_least = model_->tokens_at_least(bytes); at_least > context_tokens_) return fail(engine::context_exceeded(at_least, context_tokens_));
  Result<Rendered> rendered = std::visit(Overload{[this](const domain::Chat& chat) { return format_->render(chat); },
                                                  [this](const domain::Prompt& prompt) { return as_it_stands(*model_, prompt); },
                                                  [](const domain::Texts&) -> Result<Rendered> {
                                                    return fail(ErrorKind::kInvalid, "The model of this endpoint generates text: it gives no vectors", "model");
                                                  },
                                                  [](const auto&) -> Result<Rendered> { return fail(engine::not_what_it_does("generates text")); }},
                                         what.input);
  if (!rendered) return rendered;
  const auto tokens = static_cast<int64_t>(rendered->prompt.size());
  if (tokens + 1 > context_tokens_) return fail(engine::context_exceeded(tokens, context_tokens_));
  return rendered;
}

std::vector<SlotState> LlamaEngine::slot_states(std::span<const Token> prompt) const {
  std::vector<SlotState> states;
  for (const Slot& slot : slots_)
    states.push_back({.free = !slot.running, .kept = slot.known.size(), .common = common_prefix(slot.known, prompt), .last_used = slot.last_used});
  return states;
}

Status LlamaEngine::execute(CallId call, const domain::Call& what) {
  if (computing_count() >= slots()) return fail(engine::all_slots_taken(slots()));
  Result<Rendered> rendered = render(what);
  if (!rendered) return fail(rendered.error());
  if (what.show_prompt) {
    Result<Events> shown = shown_prompt(call, *model_, rendered->prompt);
    if (!shown) return fail(shown.error());
    std::ranges::move(*shown, std::back_inserter(shown_));
    return {};
  }
  Result<Sampler> sampler = Sampler::make(*model_, what.sampling, rendered->grammar, static_cast<uint32_t>(seeds_()));
  if (!sampler) return fail(sampler.error());
  const std::optional<size_t> index = choose_slot(slot_states(rendered->prompt));
  if (!index) return fail(engine::all_slots_taken(slots()));  // there was no room for one more than are held
  // What was generated once was computed token by token, and as part of a prompt it may round differently, which would change what a seed promises.
  const bool from_beginning = what.sampling.seed && cut() == Cut::kAtChunks;
  prepare(*index, rendered->prompt, from_beginning);

  Slot& slot = slots_[*index];
  std::optional<SharedBeginning> beginning;
  if (!from_beginning && model_->can_cut_back())
    beginning = choose_beginning(rendered->prompt, slot.known.size(), neighbours_of(*index, class_of(what)), cut());
  slot.last_used = ++uses_;
  const int64_t room = context_tokens_ - static_cast<int64_t>(rendered->prompt.size());
  std::vector<std::string> stop = what.sampling.stop;
  stop.insert(stop.end(), rendered->stop.begin(), rendered->stop.end());
  slot.running.emplace(Running{.call = call,
                               .prompt = std::move(rendered->prompt),
                               .sampler = std::move(*sampler),
                               .answer = AnswerText(std::move(stop), std::move(rendered->reader), std::move(rendered->grammar.preserved)),
                               .top_logprobs = what.sampling.top_logprobs,
                               .completion_max = std::min(what.sampling.max_tokens.value_or(room), room),
                               .priority = class_of(what),
                               .beginning = beginning});
  return {};
}

void LlamaEngine::prepare(size_t index, std::span<const Token> prompt, bool from_beginning) {
  Slot& slot = slots_[index];
  const auto usable = [&](size_t common) { return from_beginning ? 0 : tokens_to_keep(common, prompt.size(), cut()); };
  slot.restore = {};
  const SavedPrefixes::Match match = saved_.longest_match(prompt);
  if (saves_a_chunk(usable(match.common), usable(common_prefix(slot.known, prompt)))) {
    const MonoTime began = io::SystemClock().mono();
    std::vector<Token> tokens = saved_.tokens(match.index);
    const std::optional<PrefixFile::State> state = saved_.state(match.index);
    bring_back(index, state ? state->bytes() : std::span<const uint8_t>{}, std::move(tokens));
    slot.restore = std::chrono::duration_cast<microseconds>(io::SystemClock().mono() - began);
  }
  cut_to(index, usable(common_prefix(slot.known, prompt)));
}

void LlamaEngine::bring_back(size_t index, std::span<const uint8_t> state, std::vector<Token> tokens) {
  sequences_->clear(index);
  if (!sequences_->restore(index, state)) tokens.clear();
  slots_[index].known = std::move(tokens);
}

void LlamaEngine::cut_to(size_t index, size_t keep) {
  Slot& slot = slots_[index];
  if (keep == slot.known.size()) return;
  if (keep > 0 && model_->can_cut_back() && sequences_->cut_back(index, static_cast<int64_t>(keep))) {
    slot.known.resize(keep);
  } else {
    sequences_->clear(index);
    slot.known.clear();
  }
}

bool LlamaEngine::worth_waiting_for(const Slot& slot, domain::Priority asks) {
  return slot.computes_prompt() && !is_computed_before(asks, slot.running->priority);
}

std::vector<Neighbour> LlamaEngine::neighbours_of(size_t index, domain::Priority asks) const {
  std::vector<Neighbour> neighbours;
  for (size_t other = 0; other < slots_.size(); ++other) {
    const Slot& slot = slots_[other];
    if (other != index) neighbours.push_back({.use = slot.last_used, .tokens = worth_waiting_for(slot, asks) ? slot.running->prompt : slot.known});
  }
  return neighbours;
}

std::optional<engine::StepEvent> LlamaEngine::cancel(CallId call) {
  if (std::erase_if(shown_, [call](const engine::StepEvent& event) { return event.call == call; }) > 0)
    return engine::StepEvent{.call = call, .kind = engine::StepEvent::Kind::kCancelled};
  Slot* const slot = slot_of(call);
  if (slot == nullptr) return std::nullopt;
  engine::StepEvent event{.call = call,
                          .kind = engine::StepEvent::Kind::kCancelled,
                          .prompt_tokens = static_cast<int64_t>(slot->running->prompt.size()),
                          .completion_tokens = slot->running->completion};
  slot->running.reset();
  return event;
}

LlamaEngine::Slot* LlamaEngine::slot_of(CallId call) {
  const auto found = std::ranges::find_if(slots_, [call](const Slot& slot) { return slot.running && slot.running->call == call; });
  return found == slots_.end() ? nullptr : &*found;
}

void LlamaEngine::hold(CallId call) {
  Slot* const slot = slot_of(call);
  if (slot == nullptr) return;
  slot->running->held = true;
  // Where the system gives no address space for it, the next call is refused.
  (void)make_room(std::min(computing_max_ + held_count(), domain::kTextSlotsMax));
}

Status LlamaEngine::resume(CallId call) {
  Slot* const slot = slot_of(call);
  if (slot == nullptr || !slot->running->held) return {};
  if (computing_count() >= slots()) return fail(engine::all_slots_taken(slots()));
  slot->running->held = false;
  return {};
}

}  // namespace ebb::engine_llama
