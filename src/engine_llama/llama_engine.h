// Text by llama.cpp: continuous batching over slots, each with a sequence of its own in the KV cache.
//
//   parked   weights mapped, vocabulary, saved prefixes, a context without memory   (set_slots) → ready
//   ready    and KV caches in the context's memory                                  (park) → parked; (set_slots) → with more or fewer slots
//
// A call that is held stays in its slot, its sequence untouched, and there is one slot more for another call; slots() says how many calls may compute.
//
// What a slot computed stays in it after its call ended, and serves the next prompt that begins alike; on parking, the most recent ones are
// saved, in a file that outlives the worker. A prompt is computed in the same chunks whatever
// of it is known and whoever runs beside it, unless it makes no difference for the model (schedule.h), so its answer does not depend on that.
//
// The token that ends an answer (end of turn) is generated like any other: it counts in completion_tokens and has no text.
#pragma once

#include <random>

#include "engine/engine.h"
#include "engine_llama/answer_text.h"
#include "engine_llama/backend.h"
#include "engine_llama/chat_format.h"
#include "engine_llama/guess.h"
#include "engine_llama/loaded_model.h"
#include "engine_llama/sampler.h"
#include "engine_llama/saved_prefixes.h"
#include "engine_llama/sequences.h"

namespace ebb::engine_llama {

class LlamaEngine final : public engine::Engine {
 public:
  // For a model that generates text. Errors: of ChatFormat::make and of set_slots.
  static Result<std::unique_ptr<engine::Engine>> make(std::unique_ptr<LoadedModel> model, const engine::LoadOptions& options);

  Status set_slots(int slots) override;
  int slots() const override { return computing_max_; }
  void park() override;
  void set_threads(int threads) override;
  Status execute(CallId call, const domain::Call& what) override;
  std::optional<engine::StepEvent> cancel(CallId call) override;
  void hold(CallId call) override;
  Status resume(CallId call) override;
  bool busy() const override { return computing_count() > 0 || !shown_.empty(); }
  std::vector<engine::StepEvent> step() override;

 private:
  struct Running {
    CallId call;
    std::vector<Token> prompt;
    Sampler sampler;
    AnswerText answer;
    std::optional<int> top_logprobs;
    int64_t completion = 0;  // tokens generated
    int64_t completion_max = 0;
    domain::Priority priority = domain::Priority::kNormal;
    bool held = false;
    bool started = false;                      // its kStarted was given out
    std::optional<SharedBeginning> beginning;  // which it waits for, before any of the prompt is computed
    std::optional<Token> next;                 // generated, not yet in the cache; absent while the prompt is being computed
    std::optional<int> output;                 // where the batch under way leaves its result
    std::vector<Token> guessed;                // what is in that batch behind the token, with results behind its result
    GuessPace guess_pace;
  };
  struct Slot {
    std::vector<Token> known;  // what its sequence holds, from position 0
    uint64_t last_used = 0;
    microseconds restore{};  // what it took to bring back what its call knew before it began
    std::optional<Running> running;

    bool computes() const { return running && !running->held; }
    bool computes_prompt() const { return computes() && !running->next; }
  };
  using Events = std::vector<engine::StepEvent>;

  LlamaEngine(std::unique_ptr<LoadedModel> model, std::unique_ptr<ChatFormat> format, const engine::LoadOptions& options);

  int computing_count() const;
  int held_count() const;
  Slot* slot_of(CallId call);  // nullptr: no such call
  // At least so many slots.
  Status make_room(int slots);
  Status move_to_fresh(int slots);
  Result<Rendered> render(const domain::Call& what) const;
  std::vector<SlotState> slot_states(std::span<const Token> prompt) const;
  Cut cut() const { return model_->tokens_alike() ? Cut::kAnywhere : Cut::kAtChunks; }
  // Leaves in the slot's sequence what serves the prompt, and nothing else.
  void prepare(size_t index, std::span<const Token> prompt, bool from_beginning);
  // Puts a saved sequence into the slot, in place of what was there.
  void bring_back(size_t index, std::span<const uint8_t> state, std::vector<Token> tokens);
  void cut_to(size_t index, size_t keep);
  // Whether the prompt that is computed there will be there before a call of this class gets to its own.
  static bool worth_waiting_for(const Slot& slot, domain::Priority asks);
  std::vector<Neighbour> neighbours_of(size_t index, domain::Priority asks) const;
  // Copies what waiting calls share with others, as soon as those have it, or have stopped computing it.
  void take_beginnings();
  void take_beginning(size_t index, size_t neighbour);
  // All calls come along, and what was used last, up to so many; nothing has changed after an error.
  Status move_to(std::unique_ptr<Sequences> fresh, size_t slots);
  void tell_started(Events& events);
  std::vector<PromptNeed> prompt_needs() const;
  // The last token of every call that generates beside prompts of this class, into the batch. False: nobody does.
  bool add_generated(std::optional<domain::Priority> prompts);
  // Behind the token of the only call that generates, what may follow it.
  void add_guesses(size_t index);
  // What is in the batch, and what comes of it. False: all calls failed.
  bool compute(Events& events);
  void add_prompt_part(size_t index, int64_t tokens, Events& events);
  // Its token, and those that were guessed rightly; what was guessed wrongly is taken back.
  void take_results(size_t index, Events& events);
  // What is chosen from that output. The call may end with it.
  void take_result(size_t index, int output, Events& events);
  static void give(CallId call, std::vector<domain::Text> texts, Events& events);
  void finish(Slot& slot, std::vector<domain::Text> texts, domain::FinishReason reason, Events& events);
  void fail_all(const Error& error, Events& events);

  std::unique_ptr<LoadedModel> model_;
  std::unique_ptr<ChatFormat> format_;
  Threads threads_;
  std::unique_ptr<Sequences> sequences_;  // empty: there were no slots yet. Before threads_ in destruction
  std::vector<Slot> slots_;               // slot i uses sequence i; at least one for each call that may compute or is held
  int computing_max_ = 0;                 // calls that may compute
  int64_t context_tokens_ = 0;
  SavedPrefixes saved_;
  Events shown_;  // of calls that ask for their prompt only
  PromptPace pace_;
  PromptTurn prompt_turn_ = PromptTurn::kShortest;
  bool prompts_turn_ = false;  // of prompts that are computed apart: the last step was of those that generate
  uint64_t uses_ = 0;
  std::mt19937_64 seeds_;
};

}  // namespace ebb::engine_llama
