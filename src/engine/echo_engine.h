// A deterministic engine for tests and benchmarks: it repeats the last user message word by word, or misbehaves as the request's script
// (echo_script.h) tells it. A word is a token. Texts become vectors by the bytes that are in them, tensors come back as they are, and the label
// of a sample is its text. Single-threaded, like every engine.
#pragma once

#include <deque>
#include <map>

#include "engine/echo_script.h"
#include "engine/engine.h"
#include "engine/text_holder.h"
#include "io/clock.h"

namespace ebb::engine {

class EchoEngine final : public Engine {
 public:
  // As the script in the model's name says. The clock paces answers (delay_ms, tps, load_ms); it must outlive the engine.
  static Result<std::unique_ptr<Engine>> load(const io::Clock& clock, const LoadOptions& options, const Progress& progress);

  Status set_slots(int slots) override;
  int slots() const override { return slots_; }
  void park() override;
  void set_threads(int threads) override { (void)threads; }
  Status execute(CallId call, const domain::Call& what) override;
  std::optional<StepEvent> cancel(CallId call) override;
  void hold(CallId call) override;
  Status resume(CallId call) override;
  bool busy() const override { return running_count() > 0; }
  std::vector<StepEvent> step() override;
  nanoseconds wait_before_step() const override;
  std::string take_raw_output() override { return std::exchange(raw_output_, {}); }

 private:
  EchoEngine(const io::Clock& clock, const LoadOptions& options) : clock_(clock), context_tokens_(options.context_tokens), slots_(options.slots) {}

  struct Running {
    EchoScript script;
    std::vector<std::string> words;  // of the last user message (or a tool's result, or a prompt)
    std::string tool;                // the answer is a call of it; empty: the answer is text
    bool logprobs = false;
    std::string shown_prompt;       // instead of an answer
    std::vector<StepEvent> pieces;  // the answer to what is not text: these, and nothing of what is below
    TextHolder holder;
    int64_t prompt_tokens = 0;
    int64_t tokens = 0;      // given out; or vectors
    int64_t tokens_max = 0;  // to give out
    bool cut = false;        // tokens_max is a limit that cuts the answer short
    bool started = false;
    MonoTime first_due{};
    MonoTime shown{};              // when progress was last shown
    std::optional<MonoTime> held;  // since when; its time stands still until it is resumed
  };

  int running_count() const;  // of those that are not held
  static void show_prompt(Running& running);
  void advance(CallId call, Running& running, MonoTime now, std::vector<StepEvent>& events);
  void give_token(CallId call, Running& running, std::vector<StepEvent>& events);
  void misbehave(const EchoScript& script, int64_t token);
  static MonoTime due(const Running& running);

  const io::Clock& clock_;
  int64_t context_tokens_;
  int slots_;
  std::map<CallId, Running> running_;
  std::vector<CallId> ended_;
  std::deque<std::string> ballast_;  // what allocate_mib took
  std::string raw_output_;
};

// The clock must outlive the loader and its engines.
Loader echo_loader(const io::Clock& clock);

}  // namespace ebb::engine
