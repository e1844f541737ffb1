// Calls of different classes in one engine, with the demo model: whose tokens a step computes, and that no answer depends on it.
#include "engine_llama/demo_engine_for_test.h"
#include "engine_llama/schedule.h"

namespace ebb::engine_llama {
namespace {

using domain::Priority;

constexpr CallId kBatch{1};
constexpr CallId kNormal{2};
constexpr CallId kCritical{3};
constexpr CallId kBatchPrompt{4};

domain::Call short_call(Priority priority) {
  domain::Call call = ask("Why is the sky blue?", 20);
  call.sampling.top_logprobs = 1;
  call.priority = priority;
  return call;
}

// Its prompt takes several steps; all of these begin alike.
domain::Call long_call(const std::string& ending, Priority priority) {
  std::string question = "Repeat after me:";
  for (int i = 0; i < 25; ++i)
    question += " one two three " + std::to_string(i);
  domain::Call call = ask(question + ending, 4);
  call.sampling.top_logprobs = 1;
  call.priority = priority;
  return call;
}

class LlamaClassesTest : public DemoEngineTest {
 protected:
  // What one step did.
  struct Did {
    std::map<CallId, int64_t> tokens;
    std::map<CallId, int> prompt_parts;
  };
  Did step() {
    Did did;
    const std::vector<engine::StepEvent> events = engine->step();
    for (const engine::StepEvent& event : events) {
      if (event.kind == Kind::kText) did.tokens[event.call] += event.text.tokens;
      if (event.kind == Kind::kProgress) ++did.prompt_parts[event.call];
    }
    collect(answers, events);
    return did;
  }
  void finish() {
    while (engine->busy())
      step();
  }
  Answer alone(const domain::Call& call) {
    load(1);
    return run_one(call);
  }

  Answers answers;
};

TEST_F(LlamaClassesTest, WhileACriticalCallComputesItsPromptBatchStandsStill) {
  const Answer batch = alone(short_call(Priority::kBatch));
  const Answer normal = alone(short_call(Priority::kNormal));
  const Answer critical = alone(long_call(", plums", Priority::kCritical));
  ASSERT_GT(critical.prompt, kPromptTokensPerStepMax);
  load(4);
  ASSERT_TRUE(engine->execute(kBatch, short_call(Priority::kBatch)));
  while (answers[kBatch].tokens < 3)
    step();
  ASSERT_TRUE(engine->execute(kNormal, short_call(Priority::kNormal)));
  while (answers[kNormal].tokens < 3)
    step();
  ASSERT_TRUE(engine->execute(kBatchPrompt, long_call(", pears", Priority::kBatch)));
  ASSERT_TRUE(engine->execute(kCritical, long_call(", plums", Priority::kCritical)));
  int64_t chunks = 0;
  while (answers[kCritical].tokens == 0) {
    Did did = step();
    ++chunks;
    EXPECT_EQ(did.tokens[kBatch], 0);
    EXPECT_EQ(did.prompt_parts[kBatchPrompt], 0);
    EXPECT_EQ(did.tokens[kNormal], 1);
    EXPECT_EQ(did.prompt_parts[kCritical], 1);
  }
  EXPECT_EQ(chunks, (critical.prompt + kPromptChunk - 1) / kPromptChunk) << "it waited for nobody's beginning";
  finish();
  EXPECT_EQ(answers[kBatch].logprobs, batch.logprobs) << "to the last bit";
  EXPECT_EQ(answers[kNormal].logprobs, normal.logprobs) << "to the last bit";
  EXPECT_EQ(answers[kCritical].logprobs, critical.logprobs) << "to the last bit";
  EXPECT_EQ(answers[kBatchPrompt].end->kind, Kind::kFinished);
}

TEST_F(LlamaClassesTest, ACriticalPromptBesideBatchOnlyTakesTheWholeStep) {
  load(2);
  ASSERT_TRUE(engine->execute(kBatch, short_call(Priority::kBatch)));
  while (answers[kBatch].tokens == 0)
    step();
  ASSERT_TRUE(engine->execute(kCritical, long_call(", plums", Priority::kCritical)));
  int64_t steps = 0;
  for (; answers[kCritical].tokens == 0; ++steps)
    step();
  EXPECT_EQ(steps, (answers[kCritical].prompt + kPromptTokensPerStepMax - 1) / kPromptTokensPerStepMax);
  EXPECT_EQ(step().tokens[kBatch], 1) << "and then it goes on";
}

TEST_F(LlamaClassesTest, WhileANormalCallComputesItsPromptBatchOnlyGenerates) {
  load(3);
  ASSERT_TRUE(engine->execute(kBatch, short_call(Priority::kBatch)));
  while (answers[kBatch].tokens < 3)
    step();
  ASSERT_TRUE(engine->execute(kBatchPrompt, long_call(", pears", Priority::kBatch)));
  ASSERT_TRUE(engine->execute(kNormal, long_call(", plums", Priority::kNormal)));
  while (answers[kNormal].tokens == 0) {
    Did did = step();
    EXPECT_EQ(did.tokens[kBatch], 1);
    EXPECT_EQ(did.prompt_parts[kBatchPrompt], 0);
    EXPECT_EQ(did.prompt_parts[kNormal], 1);
  }
}

TEST_F(LlamaClassesTest, PromptsOfBatchCallsHaveStepsOfTheirOwn) {
  const Answer batch = alone(short_call(Priority::kBatch));
  const Answer prompt = alone(long_call(", pears", Priority::kBatch));
  load(2);
  ASSERT_TRUE(engine->execute(kBatch, short_call(Priority::kBatch)));
  while (answers[kBatch].tokens < 3)
    step();
  ASSERT_TRUE(engine->execute(kBatchPrompt, long_call(", pears", Priority::kBatch)));
  for (bool generates = true; answers[kBatchPrompt].tokens == 0; generates = !generates) {
    Did did = step();
    EXPECT_EQ(did.tokens[kBatch], generates ? 1 : 0);
    EXPECT_EQ(did.prompt_parts[kBatchPrompt], generates ? 0 : 1);
  }
  finish();
  EXPECT_EQ(answers[kBatch].logprobs, batch.logprobs) << "to the last bit";
  EXPECT_EQ(answers[kBatchPrompt].logprobs, prompt.logprobs) << "to the last bit";
}

TEST_F(LlamaClassesTest, ACriticalCallTakesWhatABatchNeighbourHasAndWaitsForNoMore) {
  const Answer critical = alone(long_call(", plums", Priority::kCritical));
  load(3);
  ASSERT_TRUE(engine->execute(kBatchPrompt, long_call(", pears", Priority::kBatch)));
  step();
  step();
  ASSERT_TRUE(engine->execute(kCritical, long_call(", plums", Priority::kCritical)));
  // One of batch class may wait for both.
  ASSERT_TRUE(engine->execute(kBatch, long_call(", apples", Priority::kBatch)));
  EXPECT_EQ(step().prompt_parts[kCritical], 1);
  EXPECT_EQ(answers[kCritical].cached, 2 * kPromptChunk);
  finish();
  EXPECT_EQ(answers[kCritical].logprobs, critical.logprobs) << "to the last bit";
  EXPECT_GT(answers[kBatch].cached, critical.prompt / 2);
}

}  // namespace
}  // namespace ebb::engine_llama
