// One step: a batch of generating calls' tokens, then parts of prompts, each computed, sampled and turned into events.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "engine_llama/llama_engine.h"
#include "io/clock.h"

namespace ebb::engine_llama {

using Kind = engine::StepEvent::Kind;

std::vector<engine::StepEvent> LlamaEngine::step() {
  Events events = std::exchange(shown_, {});
  if (computing_count() == 0) return events;
  take_beginnings();
  tell_started(events);
  const std::vector<PromptNeed> needs = prompt_needs();
  const std::optional<domain::Priority> prompts = prompt_class(needs);
  const bool apart = computes_apart(prompts);
  const bool someone_generates = !(apart && prompts_turn_) && add_generated(prompts);
  if (someone_generates && !compute(events)) return events;
  prompts_turn_ = apart && someone_generates;
  if (prompts_turn_) return events;
  // Each prompt by itself: where sequences have different numbers of tokens, the library cuts their batch into parts of equal ones, and what was a chunk
  // would become a token alone and the rest.
  for (const PromptShare& share : share_prompts(needs, someone_generates, pace_.beside(), prompt_turn_)) {
    add_prompt_part(share.slot, share.tokens, events);
    const MonoTime began = io::SystemClock().mono();
    if (!compute(events)) return events;
    pace_.took(share.tokens, io::SystemClock().mono() - began);
  }
  return events;
}

void LlamaEngine::take_beginnings() {
  for (size_t index = 0; index < slots_.size(); ++index) {
    Slot& slot = slots_[index];
    if (!slot.computes() || !slot.running->beginning) continue;
    const SharedBeginning wanted = *slot.running->beginning;
    // Another call may have taken the neighbour's slot, or the worker may have shrunk; or it is held, and nobody knows for how long.
    const auto neighbour = std::ranges::find(slots_, wanted.use, &Slot::last_used);
    const bool is_there = neighbour != slots_.end();
    if (is_there && worth_waiting_for(*neighbour, slot.running->priority) && neighbour->known.size() < wanted.tokens) continue;
    slot.running->beginning.reset();
    if (is_there) take_beginning(index, static_cast<size_t>(neighbour - slots_.begin()));
  }
}

void LlamaEngine::take_beginning(size_t index, size_t neighbour) {
  Slot& slot = slots_[index];
  const std::vector<Token>& known = slots_[neighbour].known;
  const std::vector<Token>& prompt = slot.running->prompt;
  const size_t keep = tokens_to_keep(common_prefix(known, prompt), prompt.size(), cut());
  if (keep <= slot.known.size()) return;  // it was cancelled before it came so far
  const MonoTime began = io::SystemClock().mono();
  bring_back(index, sequences_->save(neighbour), known);
  cut_to(index, std::min(keep, slot.known.size()));
  slot.restore += std::chrono::duration_cast<microseconds>(io::SystemClock().mono() - began);
}

void LlamaEngine::tell_started(Events& events) {
  for (Slot& slot : slots_) {
    if (!slot.computes() || slot.running->started || slot.running->beginning) continue;
    Running& running = *slot.running;
    running.started = true;
    events.push_back({.call = running.call,
                      .kind = Kind::kStarted,
                      .prompt_tokens = static_cast<int64_t>(running.prompt.size()),
                      .cached_tokens = static_cast<int64_t>(slot.known.size()),
                      .restore = slot.restore});
  }
}

std::vector<PromptNeed> LlamaEngine::prompt_needs() const {
  std::vector<PromptNeed> needs;
  for (size_t index = 0; index < slots_.size(); ++index) {
    const Slot& slot = slots_[index];
    if (slot.computes_prompt() && !slot.running->beginning)
      needs.push_back({.slot = index,
                       .done = static_cast<int64_t>(slot.known.size()),
                       .total = static_cast<int64_t>(slot.running->prompt.size()),
                       .priority = slot.running->priority,
                       .came = slot.last_used});
  }
  return needs;
}

bool LlamaEngine::add_generated(std::optional<domain::Priority> prompts) {
  std::vector<size_t> generating;
  for (size_t index = 0; index < slots_.size(); ++index) {
    Slot& slot = slots_[index];
    if (!slot.computes() || !slot.running->next || !generates_beside(slot.running->priority, prompts)) continue;
    generating.push_back(index);
    Running& running = *slot.running;
    running.output = sequences_->add(index, static_cast<int64_t>(slot.known.size()), *running.next, true);
    slot.known.push_back(*std::exchange(running.next, std::nullopt));
  }
  // Several calls share each reading of the weights already.
  if (generating.size() == 1) add_guesses(generating.front());
  return !generating.empty();
}

void LlamaEngine::add_guesses(size_t index) {
  if (!model_->tokens_alike() || !model_->can_cut_back()) return;
  Slot& slot = slots_[index];
  Running& running = *slot.running;
  const auto known = static_cast<int64_t>(slot.known.size());
  const int64_t room = std::min(running.completion_max - running.completion - 1, context_tokens_ - known);
  running.guessed = guess(slot.known, std::min(running.guess_pace.next(), static_cast<size_t>(std::max<int64_t>(room, 0))));
  for (size_t i = 0; i < running.guessed.size(); ++i)
    (void)sequences_->add(index, known + static_cast<int64_t>(i), running.guessed[i], true);
}

bool LlamaEngine::compute(Events& events) {
  if (const Status computed = sequences_->decode(); !computed) {
    fail_all(computed.error(), events);
    return false;
  }
  threads_.drop_replaced();
  for (size_t index = 0; index < slots_.size(); ++index) {
    if (slots_[index].running && slots_[index].running->output) take_results(index, events);
  }
  return true;
}

void LlamaEngine::add_prompt_part(size_t index, int64_t tokens, Events& events) {
  Slot& slot = slots_[index];
  Running& running = *slot.running;
  for (int64_t i = 0; i < tokens; ++i) {
    const Token token = running.prompt[slot.known.size()];
    const bool last = slot.known.size() + 1 == running.prompt.size();
    const int output = sequences_->add(index, static_cast<int64_t>(slot.known.size()), token, last);
    if (last) running.output = output;
    slot.known.push_back(token);
  }
  events.push_back({.call = running.call,
                    .kind = Kind::kProgress,
                    .prompt_done = static_cast<int64_t>(slot.known.size()),
                    .prompt_tokens = static_cast<int64_t>(running.prompt.size())});
}

void LlamaEngine::take_results(size_t index, Events& events) {
  Slot& slot = slots_[index];
  const int output = *std::exchange(slot.running->output, std::nullopt);
  const std::vector<Token> guessed = std::exchange(slot.running->guessed, {});
  take_result(index, output, events);
  size_t right = 0;
  while (slot.running && right < guessed.size() && *slot.running->next == guessed[right]) {
    slot.known.push_back(*std::exchange(slot.running->next, std::nullopt));
    ++right;
    take_result(index, output + static_cast<int>(right), events);
  }
  if (slot.running && !guessed.empty()) slot.running->guess_pace.came(guessed.size(), right);
  if (right == guessed.size()) return;
  const bool is_cut = sequences_->cut_back(index, static_cast<int64_t>(slot.known.size()));
  EBB_CHECK(is_cut);  // nothing is guessed with models that cannot
}

void LlamaEngine::take_result(size_t index, int output, Events& events) {
  Slot& slot = slots_[index];
  Running& running = *slot.running;
  const Result<Token> token = running.sampler.sample(sequences_->get(), output);
  if (!token) {
    events.push_back({.call = running.call, .kind = Kind::kFailed, .completion_tokens = running.completion, .error = token.error()});
    slot.running.reset();
    return;
  }
  ++running.completion;
  if (model_->ends_answer(*token)) {
    const bool called = running.answer.called();
    return finish(slot, {}, called ? domain::FinishReason::kToolCalls : domain::FinishReason::kStop, events);
  }
  std::optional<domain::TokenLogprob> logprob;
  if (running.top_logprobs) logprob = running.sampler.logprob(sequences_->get(), output, *token, *running.top_logprobs);
  std::vector<domain::Text> texts = running.answer.add(model_->text_of(*token, running.answer.preserves(*token)), std::move(logprob));
  if (running.answer.complete()) return finish(slot, std::move(texts), domain::FinishReason::kToolCalls, events);
  if (running.answer.stopped()) return finish(slot, std::move(texts), domain::FinishReason::kStop, events);
  if (running.completion == running.completion_max) return finish(slot, std::move(texts), domain::FinishReason::kLength, events);
  running.next = *token;
  give(running.call, std::move(texts), events);
}

// The token is counted with the first piece; one without text still counts.
void LlamaEngine::give(CallId call, std::vector<domain::Text> texts, Events& events) {
  if (texts.empty()) texts.emplace_back();
  texts.front().tokens = 1;
  for (domain::Text& text : texts)
    events.push_back({.call = call, .kind = Kind::kText, .text = std::move(text)});
}

void LlamaEngine::finish(Slot& slot, std::vector<domain::Text> texts, domain::FinishReason reason, Events& events) {
  Running& running = *slot.running;
  for (domain::Text& text : running.answer.finish())
    texts.push_back(std::move(text));
  give(running.call, std::move(texts), events);
  events.push_back({.call = running.call,
                    .kind = Kind::kFinished,
                    .prompt_tokens = static_cast<int64_t>(running.prompt.size()),
                    .completion_tokens = running.completion,
                    .reason = reason});
  slot.running.reset();
}

void LlamaEngine::fail_all(const Error& error, Events& events) {
  for (size_t index = 0; index < slots_.size(); ++index) {
    Slot& slot = slots_[index];
    if (!slot.running) continue;
    events.push_back({.call = slot.running->call, .kind = Kind::kFailed, .completion_tokens = slot.running->completion, .error = error});
    slot.running.reset();
    slot.known.clear();
    sequences_->clear(index);
  }
}

}  // namespace ebb::engine_llama
