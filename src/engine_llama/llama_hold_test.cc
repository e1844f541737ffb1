// Held calls with the demo model: their answers, and those of the calls that get their slots, are to the last bit what they would be alone.
#include <algorithm>
#include <set>

#include "domain/limits.h"
#include "engine_llama/demo_engine_for_test.h"
#include "engine_llama/schedule.h"

namespace ebb::engine_llama {
namespace {

constexpr CallId kHeld{1};
constexpr CallId kOther{2};

// Two steps of prompt alone, then tokens by chance, whose probabilities show the last bit.
domain::Call held_call() {
  std::string question = "Write a poem about numbers:";
  for (int i = 0; i < 22; ++i)
    question += " one two three " + std::to_string(i);
  domain::Call call = ask(question, 8);
  call.sampling.temperature = 1;
  call.sampling.seed = 5;
  call.sampling.top_logprobs = 1;
  return call;
}

class LlamaHoldTest : public DemoEngineTest {
 protected:
  void step(Answers& answers) { collect(answers, engine->step()); }
  void finish(Answers& answers) {
    while (engine->busy())
      step(answers);
  }
};

TEST_F(LlamaHoldTest, AHeldCallStandsStillAndItsSlotIsFree) {
  ASSERT_TRUE(engine->execute(kHeld, ask("Say hello.")));
  Answers answers;
  for (int i = 0; i < 4; ++i)
    step(answers);
  engine->hold(kHeld);
  engine->hold(CallId{77});  // ended long ago
  EXPECT_EQ(engine->slots(), 1);
  EXPECT_FALSE(engine->busy());
  EXPECT_TRUE(engine->step().empty());
  ASSERT_TRUE(engine->execute(kOther, ask("Say hello.", 2)));
  EXPECT_EQ(engine->execute(CallId{3}, ask("Say hello.")).error().kind, ErrorKind::kOverloaded);
  EXPECT_EQ(engine->resume(kHeld).error().kind, ErrorKind::kOverloaded);
  const int64_t before = answers[kHeld].tokens;
  finish(answers);
  EXPECT_EQ(answers[kHeld].tokens, before);
  EXPECT_EQ(answers[kOther].end->kind, Kind::kFinished);
  ASSERT_TRUE(engine->resume(CallId{77}));
  ASSERT_TRUE(engine->resume(kHeld));
  ASSERT_TRUE(engine->resume(kHeld)) << "as it is not held, nothing changes";
  EXPECT_EQ(engine->execute(CallId{3}, ask("Say hello.")).error().kind, ErrorKind::kOverloaded);
  finish(answers);
  EXPECT_EQ(answers[kHeld].end->kind, Kind::kFinished);
  engine->park();
  EXPECT_EQ(engine->slots(), 0);
}

TEST_F(LlamaHoldTest, HoldsAtAnyStepChangeNoAnswer) {
  const domain::Call other = ask("Why is the sky blue?", 3);
  const std::string others_text = run_one(other).text;
  int steps_alone = 0;
  Answers undisturbed;
  ASSERT_TRUE(engine->execute(kHeld, held_call()));
  for (; engine->busy(); ++steps_alone)
    step(undisturbed);
  const Answer& alone = undisturbed[kHeld];
  ASSERT_GT(alone.prompt, kPromptTokensPerStepMax);
  ASSERT_EQ(alone.tokens, 8);
  // Before the first step, in its prompt, at its first token, in its answer; and all of these in one call.
  for (const std::set<int>& holds : {std::set{0}, {1}, {steps_alone - 1}, {0, 1, 2, 3, 6}}) {
    SCOPED_TRACE(testing::PrintToString(holds));
    load(1);
    Answers answers;
    ASSERT_TRUE(engine->execute(kHeld, held_call()));
    for (int taken = 0; engine->busy(); ++taken) {
      if (holds.contains(taken)) {
        engine->hold(kHeld);
        answers.erase(kOther);
        ASSERT_TRUE(engine->execute(kOther, other));
        while (!answers[kOther].end)
          step(answers);
        EXPECT_EQ(answers[kOther].text, others_text);
        ASSERT_TRUE(engine->resume(kHeld));
      }
      step(answers);
    }
    EXPECT_EQ(answers[kHeld].logprobs, alone.logprobs) << "to the last bit";
    EXPECT_EQ(answers[kHeld].cached, 0);
  }
}

TEST_F(LlamaHoldTest, SlotsComeAndGoWhileACallIsHeld) {
  const Answer alone = run_one(held_call());
  for (const int steps : {0, 1, 5}) {
    SCOPED_TRACE(steps);
    load(2);
    Answers answers;
    ASSERT_TRUE(engine->execute(kHeld, held_call()));
    for (int i = 0; i < steps; ++i)
      step(answers);
    engine->hold(kHeld);
    ASSERT_TRUE(engine->set_slots(4));
    EXPECT_EQ(engine->slots(), 4);
    for (uint64_t call = 11; call <= 14; ++call)
      ASSERT_TRUE(engine->execute(CallId{call}, ask("Say hello.", 5)));
    step(answers);
    ASSERT_TRUE(engine->set_slots(1));
    EXPECT_EQ(engine->slots(), 4) << "as many as compute; the held one is not among them";
    finish(answers);
    ASSERT_TRUE(engine->set_slots(1));
    EXPECT_EQ(engine->slots(), 1);
    ASSERT_TRUE(engine->execute(CallId{15}, ask("Say hello.", 2)));
    EXPECT_EQ(engine->resume(kHeld).error().kind, ErrorKind::kOverloaded);
    finish(answers);
    ASSERT_TRUE(engine->resume(kHeld));
    finish(answers);
    EXPECT_EQ(answers[kHeld].logprobs, alone.logprobs) << "to the last bit";
  }
}

TEST_F(LlamaHoldTest, AsManyAreHeldAsThereIsRoomFor) {
  constexpr uint64_t kCalls = domain::kTextSlotsMax;
  load(2, 64);
  for (uint64_t call = 1; call <= kCalls; ++call) {
    ASSERT_TRUE(engine->execute(CallId{call}, ask("Hi", 2))) << call;
    if (call + 2 <= kCalls) engine->hold(CallId{call});
  }
  EXPECT_EQ(engine->slots(), 2);
  ASSERT_TRUE(engine->set_slots(4));
  EXPECT_EQ(engine->slots(), 2) << "there is no room for more";
  Answers answers;
  finish(answers);
  ASSERT_TRUE(engine->resume(CallId{1}));
  ASSERT_TRUE(engine->resume(CallId{kCalls - 2}));
  finish(answers);
  EXPECT_EQ(answers.size(), 4U);
  for (const auto& [call, answer] : answers)
    EXPECT_EQ(answer.text, answers[CallId{kCalls}].text) << call.value;
}

TEST_F(LlamaHoldTest, AHeldCallCanBeCancelled) {
  ASSERT_TRUE(engine->execute(kHeld, ask("Why is the sky blue?")));
  Answers answers;
  while (answers[kHeld].tokens < 3)
    step(answers);
  engine->hold(kHeld);
  const auto event = engine->cancel(kHeld);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, Kind::kCancelled);
  EXPECT_EQ(event->completion_tokens, 3);
  EXPECT_FALSE(engine->cancel(kHeld));
  ASSERT_TRUE(engine->resume(kHeld)) << "it is gone";
  EXPECT_EQ(engine->slots(), 1);
  EXPECT_EQ(run_one(ask("Say hello.")).end->kind, Kind::kFinished);
  engine->park();
}

// Begins like every other of these, for longer than a step computes.
domain::Call alike(const std::string& ending) {
  std::string question = "Repeat after me:";
  for (int i = 0; i < 25; ++i)
    question += " one two three " + std::to_string(i);
  domain::Call call = ask(question + ending, 4);
  call.sampling.top_logprobs = 1;
  return call;
}

TEST_F(LlamaHoldTest, NobodyWaitsForTheBeginningOfAHeldCall) {
  const Answer alone = run_one(alike(", pears"));
  for (const bool held_before : {true, false}) {
    SCOPED_TRACE(held_before);
    load(2);
    Answers answers;
    ASSERT_TRUE(engine->execute(kHeld, alike(", apples")));
    step(answers);
    if (held_before) engine->hold(kHeld);
    ASSERT_TRUE(engine->execute(kOther, alike(", pears")));
    if (!held_before) engine->hold(kHeld);
    finish(answers);
    EXPECT_EQ(answers[kOther].logprobs, alone.logprobs) << "to the last bit";
    EXPECT_EQ(answers[kOther].cached, kPromptTokensPerStepMax) << "what the other has computed";
    EXPECT_FALSE(answers[kHeld].end);
    ASSERT_TRUE(engine->resume(kHeld));
    finish(answers);
    EXPECT_TRUE(answers[kHeld].end);
  }
}

TEST_F(LlamaHoldTest, WhoeverWaitsForABeginningMayBeHeldItself) {
  const Answer alone = run_one(alike(", pears"));
  load(2);
  Answers answers;
  ASSERT_TRUE(engine->execute(kOther, alike(", apples")));
  ASSERT_TRUE(engine->execute(kHeld, alike(", pears")));
  step(answers);
  engine->hold(kHeld);
  finish(answers);
  EXPECT_EQ(answers[kHeld].prompt, -1) << "nothing of it";
  ASSERT_TRUE(engine->resume(kHeld));
  finish(answers);
  EXPECT_GT(answers[kHeld].cached, kPromptTokensPerStepMax) << "the other's slot still knows it";
  EXPECT_EQ(answers[kHeld].logprobs, alone.logprobs) << "to the last bit";
}

}  // namespace
}  // namespace ebb::engine_llama
