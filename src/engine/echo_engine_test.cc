// The echo engine in virtual time.
#include "engine/echo_engine.h"

#include <gtest/gtest.h>

namespace ebb::engine {
namespace {

using Kind = StepEvent::Kind;

domain::Call ask(std::string user, std::string system = {}) {
  domain::Call call;
  if (!system.empty()) std::get<domain::Chat>(call.input).messages.push_back({.role = "system", .content = std::move(system)});
  std::get<domain::Chat>(call.input).messages.push_back({.role = "user", .content = std::move(user)});
  return call;
}

struct Answer {
  std::string text;
  int64_t tokens = 0;
  int64_t progress = 0;
  std::optional<StepEvent> end;
};

class EchoEngineTest : public testing::Test {
 protected:
  void load(int64_t context, int slots, std::string name = "echo") {
    Result<std::unique_ptr<Engine>> loaded =
        EchoEngine::load(clock, {.model_name = std::move(name), .context_tokens = context, .slots = slots}, [this](int64_t, int64_t) { ++load_progress; });
    ASSERT_TRUE(loaded);
    engine = std::move(*loaded);
  }

  // Steps until nothing runs, the clock jumping over every wait.
  std::map<CallId, Answer> run() {
    std::map<CallId, Answer> answers;
    while (engine->busy()) {
      clock.advance(engine->wait_before_step());
      for (StepEvent& event : engine->step()) {
        Answer& answer = answers[event.call];
        answer.text += event.text.text;
        if (event.kind == Kind::kText) answer.tokens += event.text.tokens;
        if (event.kind == Kind::kProgress) ++answer.progress;
        if (event.kind == Kind::kFinished || event.kind == Kind::kFailed) answer.end = event;
      }
    }
    return answers;
  }

  io::FakeClock clock;
  std::unique_ptr<Engine> engine;
  int load_progress = 0;
};

TEST_F(EchoEngineTest, RepeatsTheLastUserMessage) {
  load(100, 1);
  ASSERT_TRUE(engine->execute(CallId{1}, ask("one  two\nthree")));
  const Answer answer = run()[CallId{1}];
  EXPECT_EQ(answer.text, "one two three");
  EXPECT_EQ(answer.tokens, 3);
  ASSERT_TRUE(answer.end);
  EXPECT_EQ(answer.end->prompt_tokens, 3);
  EXPECT_EQ(answer.end->completion_tokens, 3);
  EXPECT_EQ(answer.end->reason, domain::FinishReason::kStop);
}

TEST_F(EchoEngineTest, LimitsCutTheAnswer) {
  load(10, 4);
  domain::Call limited = ask("a b c");
  limited.sampling.max_tokens = 2;
  domain::Call stopped = ask("a b c");
  stopped.sampling.stop = {" c"};
  ASSERT_TRUE(engine->execute(CallId{1}, limited));
  ASSERT_TRUE(engine->execute(CallId{2}, ask("a b", "tokens=50")));
  ASSERT_TRUE(engine->execute(CallId{3}, stopped));
  ASSERT_TRUE(engine->execute(CallId{4}, ask("")));
  auto answers = run();
  EXPECT_EQ(answers[CallId{1}].text, "a b");
  EXPECT_EQ(answers[CallId{1}].end->reason, domain::FinishReason::kLength);
  EXPECT_EQ(answers[CallId{2}].tokens, 7) << "10 of context less 3 of prompt";
  EXPECT_EQ(answers[CallId{2}].end->reason, domain::FinishReason::kLength);
  EXPECT_EQ(answers[CallId{3}].text, "a b");
  EXPECT_EQ(answers[CallId{3}].end->completion_tokens, 3);
  EXPECT_EQ(answers[CallId{3}].end->reason, domain::FinishReason::kStop);
  EXPECT_EQ(answers[CallId{4}].tokens, 0);
}

TEST_F(EchoEngineTest, RefusesWhatCannotRun) {
  load(3, 1);
  const Status long_prompt = engine->execute(CallId{1}, ask("a b c"));
  ASSERT_FALSE(long_prompt);
  EXPECT_EQ(long_prompt.error().code, "context_length_exceeded");
  EXPECT_EQ(long_prompt.error().param, "messages");
  EXPECT_EQ(engine->execute(CallId{1}, ask("a", "refuse")).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(engine->execute(CallId{1}, ask("a", "tps=fast")).error().kind, ErrorKind::kInvalid);
  ASSERT_TRUE(engine->execute(CallId{2}, ask("a")));
  EXPECT_EQ(engine->execute(CallId{3}, ask("a")).error().kind, ErrorKind::kOverloaded);
}

TEST_F(EchoEngineTest, KeepsItsPaceAndShowsProgress) {
  load(100, 1);
  const MonoTime begin = clock.mono();
  ASSERT_TRUE(engine->execute(CallId{1}, ask("a b c", "delay_ms=1000 tps=10")));
  const Answer answer = run()[CallId{1}];
  EXPECT_EQ(answer.text, "a b c");
  EXPECT_EQ(clock.mono() - begin, milliseconds(1200));
  EXPECT_GE(answer.progress, 8);
}

TEST_F(EchoEngineTest, CancelFreesTheSlotAtOnce) {
  load(100, 1);
  ASSERT_TRUE(engine->execute(CallId{1}, ask("a b c", "tokens=50")));
  engine->step();
  engine->step();
  const auto event = engine->cancel(CallId{1});
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, Kind::kCancelled);
  EXPECT_EQ(event->completion_tokens, 2);
  EXPECT_FALSE(engine->busy());
  EXPECT_FALSE(engine->cancel(CallId{1}));
  EXPECT_TRUE(engine->execute(CallId{2}, ask("a")));
}

TEST_F(EchoEngineTest, TimeStandsStillForAHeldCall) {
  load(100, 1);
  const MonoTime begin = clock.mono();
  ASSERT_TRUE(engine->execute(CallId{1}, ask("a b c", "delay_ms=1000 tps=10")));
  engine->step();
  clock.advance(milliseconds(400));
  engine->hold(CallId{1});
  engine->hold(CallId{9});  // ended long ago
  EXPECT_FALSE(engine->busy());
  // Its slot is free, and only that.
  ASSERT_TRUE(engine->execute(CallId{2}, ask("d", "delay_ms=5000")));
  EXPECT_EQ(engine->execute(CallId{3}, ask("e")).error().kind, ErrorKind::kOverloaded);
  EXPECT_EQ(engine->resume(CallId{1}).error().kind, ErrorKind::kOverloaded);
  auto answers = run();
  EXPECT_EQ(answers[CallId{2}].text, "d");
  EXPECT_FALSE(answers.contains(CallId{1}));
  EXPECT_EQ(clock.mono() - begin, milliseconds(5400));
  ASSERT_TRUE(engine->resume(CallId{1}));
  ASSERT_TRUE(engine->resume(CallId{9}));
  EXPECT_EQ(run()[CallId{1}].text, "a b c");
  EXPECT_EQ(clock.mono() - begin, milliseconds(6200)) << "600 ms were left to the first word, and 200 from there to the last";
}

TEST_F(EchoEngineTest, HeldCallsAreNoneOfTheSlots) {
  load(100, 2);
  ASSERT_TRUE(engine->execute(CallId{1}, ask("a")));
  ASSERT_TRUE(engine->execute(CallId{2}, ask("b")));
  engine->hold(CallId{1});
  ASSERT_TRUE(engine->set_slots(1));
  EXPECT_EQ(engine->slots(), 1);
  ASSERT_TRUE(engine->cancel(CallId{1}));
  EXPECT_FALSE(engine->cancel(CallId{1}));
  EXPECT_EQ(run()[CallId{2}].text, "b");
  engine->park();
}

TEST_F(EchoEngineTest, ShrinksOnlyToWhatRuns) {
  load(100, 3);
  ASSERT_TRUE(engine->execute(CallId{1}, ask("a")));
  ASSERT_TRUE(engine->execute(CallId{2}, ask("a")));
  ASSERT_TRUE(engine->set_slots(1));
  EXPECT_EQ(engine->slots(), 2);
}

TEST_F(EchoEngineTest, WritesGarbageWhenTold) {
  load(100, 1);
  ASSERT_TRUE(engine->execute(CallId{1}, ask("a b", "garbage_at=2")));
  engine->step();
  EXPECT_EQ(engine->take_raw_output(), "");
  engine->step();
  EXPECT_EQ(engine->take_raw_output().size(), 64U);
}

TEST_F(EchoEngineTest, LoadsAsItsNameSays) {
  load(100, 1, "echo:load_ms=1");
  EXPECT_EQ(load_progress, 1);
  EXPECT_EQ(EchoEngine::load(clock, {.model_name = "echo:load_fail"}, [](int64_t, int64_t) {}).error().kind, ErrorKind::kCorrupt);
}

TEST_F(EchoEngineTest, GivesAVectorForEachText) {
  load(100, 1);
  domain::Call call{.input = domain::Texts{.inputs = {{.text = "a b"}, {.text = "b  a"}, {.text = std::vector<int32_t>{127}}, {.text = ""}}}};
  ASSERT_TRUE(engine->execute(CallId{1}, call));
  std::vector<std::vector<float>> vectors;
  while (engine->busy()) {
    for (const StepEvent& event : engine->step()) {
      if (event.kind == Kind::kVector) vectors.push_back(event.values);
      if (event.kind == Kind::kFinished) {
        EXPECT_EQ(event.prompt_tokens, 5);
        EXPECT_EQ(event.completion_tokens, 0);
      }
    }
  }
  ASSERT_EQ(vectors.size(), 4U);
  EXPECT_EQ(vectors[0], vectors[1]);
  EXPECT_NE(vectors[0], vectors[2]);
  EXPECT_EQ(vectors[3][0], 1);
  std::get<domain::Texts>(call.input).dimensions = 17;
  EXPECT_EQ(engine->execute(CallId{2}, call).error().param, "dimensions");
}

TEST(EchoScript, ReadsKnownWordsOnly) {
  const auto script = parse_echo_script("please tokens=5 be=nice,crash_at=3 exit_code=0 hello refuse=1");
  ASSERT_TRUE(script);
  EXPECT_EQ(*script, (EchoScript{.tokens = 5, .crash_at = 3, .refuse = true, .exit_code = 0}));
  EXPECT_FALSE(parse_echo_script("tokens=-1"));
  EXPECT_FALSE(parse_echo_script("tokens=99999999999999999999"));
  EXPECT_FALSE(parse_echo_script("tokens="));
  EXPECT_EQ(*echo_script_of_model("smol"), EchoScript{});
  EXPECT_TRUE(echo_script_of_model("echo:load_fail,load_ms=5")->load_fail);
}

}  // namespace
}  // namespace ebb::engine
