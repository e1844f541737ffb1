// The engine with the demo model, run to the end of its answers. Skipped where the model was not fetched.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "domain/prefix_limits.h"
#include "engine_llama/backend.h"
#include "engine_llama/load_engine.h"
#include "engine_llama/prefix_file.h"

namespace ebb::engine_llama {

using Kind = engine::StepEvent::Kind;

constexpr int64_t kContext = 512;

inline domain::Call ask(std::string question, int64_t max_tokens = 12) {
  domain::Call call;
  std::get<domain::Chat>(call.input).messages.push_back({.role = "user", .content = std::move(question)});
  call.sampling.temperature = 0;
  call.sampling.max_tokens = max_tokens;
  return call;
}

struct Answer {
  std::string text;  // content
  std::vector<domain::ToolCall> calls;
  std::vector<domain::TokenLogprob> logprobs;
  int64_t tokens = 0;
  int64_t cached = -1;
  int64_t prompt = -1;
  std::optional<engine::StepEvent> end;
};
using Answers = std::map<CallId, Answer>;

inline void collect(Answers& answers, const std::vector<engine::StepEvent>& events) {
  for (const engine::StepEvent& event : events) {
    Answer& answer = answers[event.call];
    EXPECT_FALSE(answer.end) << "an event after the end";
    if (event.kind == Kind::kStarted) {
      EXPECT_EQ(answer.prompt, -1);
      answer.cached = event.cached_tokens;
      answer.prompt = event.prompt_tokens;
    }
    if (event.kind == Kind::kText) {
      const domain::Text& text = event.text;
      EXPECT_TRUE(is_utf8(text.text));
      answer.tokens += text.tokens;
      answer.logprobs.insert(answer.logprobs.end(), text.logprobs.begin(), text.logprobs.end());
      if (text.part == domain::Part::kContent) answer.text += text.text;
      if (!text.tool_name.empty()) answer.calls.push_back({.id = {}, .name = text.tool_name, .arguments = {}});
      if (text.part == domain::Part::kToolCall) {
        ASSERT_EQ(static_cast<size_t>(text.tool_index) + 1, answer.calls.size());
        answer.calls.back().arguments += text.text;
      }
    }
    if (event.kind == Kind::kFinished || event.kind == Kind::kFailed || event.kind == Kind::kCancelled) answer.end = event;
  }
}

class DemoEngineTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    static bool once = (init_backend(EBB_GGML_BACKENDS_DIR), init_seals(), true);
    (void)once;
  }

  void SetUp() override {
    if (::access(EBB_DEMO_MODEL, R_OK) != 0) GTEST_SKIP() << "no demo model at " EBB_DEMO_MODEL;
    load(1);
  }

  void load(int slots, int64_t context = kContext) { load_from(EBB_DEMO_MODEL, slots, context); }
  void load_from(const char* path, int slots, int64_t context) {
    engine.reset();  // before the next takes memory
    prefixes = prefix_memory();
    load_with_prefixes(path, slots, context);
  }
  // As the next worker of the same endpoint.
  void load_with_prefixes(const char* path, int slots, int64_t context) {
    engine.reset();
    Result<std::unique_ptr<engine::Engine>> loaded = load_engine(Fd(::open(path, O_RDONLY | O_CLOEXEC)),
                                                                 {.model_name = "demo",
                                                                  .context_tokens = context,
                                                                  .slots = slots,
                                                                  .threads = 1,
                                                                  .prepared = prepared.get(),
                                                                  .prefixes = prefixes.get(),
                                                                  .prefixes_key = "key",
                                                                  .prefixes_bytes_max = domain::kPrefixMemoryBytesMax,
                                                                  .log = [this](const std::string& line) { logged.push_back(line); }},
                                                                 [](int64_t, int64_t) {});
    ASSERT_TRUE(loaded) << loaded.error().message;
    engine = std::move(*loaded);
    ASSERT_EQ(engine->slots(), slots);
  }

  Answers run() {
    Answers answers;
    while (engine->busy())
      collect(answers, engine->step());
    return answers;
  }
  Answer run_one(const domain::Call& call) {
    const Status taken = engine->execute(CallId{1}, call);
    EXPECT_TRUE(taken) << taken.error().message;
    return run()[CallId{1}];
  }

  Fd prefixes;
  Fd prepared;  // to be used by the next load; empty: nothing is
  std::vector<std::string> logged;
  std::unique_ptr<engine::Engine> engine;
};

}  // namespace ebb::engine_llama
