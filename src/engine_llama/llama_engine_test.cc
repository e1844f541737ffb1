// The engine with the demo model: answers do not depend on slots, batches, resizing, parking or reuse.
#include "engine_llama/llama_engine.h"

#include <malloc.h>

#include <algorithm>
#include <fstream>
#include <functional>

#include "engine_llama/demo_engine_for_test.h"
#include "engine_llama/tensor_memory.h"

namespace ebb::engine_llama {
namespace {

class LlamaEngineTest : public DemoEngineTest {};

const char* const kSky = "Why is the sky blue?";
const char* const kHello = "Say hello.";

// What the kernel may take at any time.
uint64_t lazily_free_bytes() {
  std::ifstream file("/proc/self/smaps_rollup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("LazyFree:")) return std::stoull(line.substr(9)) * 1024;
  }
  return 0;
}

// What is known of the same prompt.
int64_t whole_chunks(const Answer& answer) {
  const auto prompt = static_cast<size_t>(answer.prompt);
  return static_cast<int64_t>(tokens_to_keep(prompt, prompt, Cut::kAtChunks));
}

TEST_F(LlamaEngineTest, AnswersTheSameAgain) {
  const Answer first = run_one(ask(kHello, 40));
  ASSERT_TRUE(first.end);
  EXPECT_EQ(first.end->kind, Kind::kFinished);
  EXPECT_EQ(first.end->reason, domain::FinishReason::kStop) << first.text;
  EXPECT_EQ(first.cached, 0);
  EXPECT_GT(first.prompt, 10);
  EXPECT_EQ(first.tokens, first.end->completion_tokens);
  // The second time all but the last chunk of the prompt is known.
  const Answer second = run_one(ask(kHello, 40));
  EXPECT_EQ(second.text, first.text);
  EXPECT_EQ(second.cached, whole_chunks(first));
  EXPECT_EQ(second.tokens, first.tokens);
}

TEST_F(LlamaEngineTest, ParallelCallsAnswerAsAlone) {
  const Answer sky = run_one(ask(kSky));
  const Answer capital = run_one(ask(kHello));
  load(2);
  ASSERT_TRUE(engine->execute(CallId{1}, ask(kSky)));
  ASSERT_TRUE(engine->execute(CallId{2}, ask(kHello)));
  EXPECT_EQ(engine->execute(CallId{3}, ask(kSky)).error().kind, ErrorKind::kOverloaded);
  Answers both = run();
  EXPECT_EQ(both[CallId{1}].text, sky.text);
  EXPECT_EQ(both[CallId{2}].text, capital.text);
}

// The library touches a pool of threads after it was replaced; what was freed is overwritten here, so that this would be seen.
TEST_F(LlamaEngineTest, ThreadsComeAndGo) {
  ::mallopt(M_PERTURB, 0xA5);
  const Answer alone = run_one(ask(kHello, 3));
  for (const int threads : {2, 2, 1, 2}) {
    engine->set_threads(3 - threads);  // never computes
    engine->set_threads(threads);
    EXPECT_EQ(run_one(ask(kHello, 3)).text, alone.text);
  }
  ::mallopt(M_PERTURB, 0);
}

TEST_F(LlamaEngineTest, ALongPromptStallsNobodyAndChangesNothing) {
  std::string question = "Repeat after me:";
  for (int i = 0; i < 60; ++i)
    question += " one two three " + std::to_string(i);
  const Answer alone = run_one(ask(question, 6));
  ASSERT_GT(alone.prompt, 128);
  load(2);
  ASSERT_TRUE(engine->execute(CallId{1}, ask(kSky, 100)));
  Answers answers;
  while (answers[CallId{1}].tokens < 3)
    collect(answers, engine->step());
  ASSERT_TRUE(engine->execute(CallId{2}, ask(question, 6)));
  while (answers[CallId{2}].tokens == 0) {
    const int64_t before = answers[CallId{1}].tokens;
    collect(answers, engine->step());
    EXPECT_EQ(answers[CallId{1}].tokens, before + 1) << "every step gives the generating call its token";
  }
  while (engine->busy())
    collect(answers, engine->step());
  EXPECT_EQ(answers[CallId{2}].text, alone.text);
}

TEST_F(LlamaEngineTest, GrowingAndShrinkingWhileRunningChangesNothing) {
  const Answer alone = run_one(ask(kSky));
  load(1);
  ASSERT_TRUE(engine->execute(CallId{1}, ask(kSky)));
  Answers answers;
  for (int i = 0; i < 5; ++i)
    collect(answers, engine->step());
  ASSERT_TRUE(engine->set_slots(4));
  EXPECT_EQ(engine->slots(), 4);
  for (int i = 0; i < 5; ++i)
    collect(answers, engine->step());
  ASSERT_TRUE(engine->execute(CallId{2}, ask(kHello)));
  collect(answers, engine->step());
  ASSERT_TRUE(engine->set_slots(1));
  EXPECT_EQ(engine->slots(), 2) << "as many as run";
  while (engine->busy())
    collect(answers, engine->step());
  EXPECT_EQ(answers[CallId{1}].text, alone.text);
  EXPECT_EQ(answers[CallId{1}].tokens, alone.tokens);
  ASSERT_TRUE(engine->set_slots(1));
  EXPECT_EQ(engine->slots(), 1);
  EXPECT_EQ(run_one(ask(kSky)).text, alone.text);
}

TEST_F(LlamaEngineTest, ParksToNothingAndKnowsTheConversationAgain) {
  const Answer first = run_one(ask(kSky));
  EXPECT_GT(tensor_memory_bytes(), 0U);
  EXPECT_EQ(lazily_free_bytes(), 0U);
  engine->park();
  EXPECT_EQ(engine->slots(), 0);
  // Pages that were only read are the kernel's own.
  EXPECT_GT(lazily_free_bytes(), tensor_memory_bytes() / 2) << "a parked engine keeps none";
  EXPECT_EQ(engine->execute(CallId{1}, ask(kSky)).error().kind, ErrorKind::kOverloaded);
  ASSERT_TRUE(engine->set_slots(2));
  const Answer again = run_one(ask(kSky));
  EXPECT_EQ(again.text, first.text);
  EXPECT_EQ(again.cached, whole_chunks(first));
  EXPECT_GE(again.cached, kPromptChunk) << "the prompt is longer than a chunk";
  const Answer other = run_one(ask(kHello));
  EXPECT_EQ(other.cached, 0) << "its first chunk is another";
}

TEST_F(LlamaEngineTest, TheNextWorkerKnowsTheConversationAgain) {
  const Answer first = run_one(ask(kSky));
  engine->park();
  load_with_prefixes(EBB_DEMO_MODEL, 2, kContext);
  const Answer again = run_one(ask(kSky));
  EXPECT_EQ(again.text, first.text);
  EXPECT_EQ(again.cached, whole_chunks(first));
  engine->park();
  load_with_prefixes(EBB_DEMO_MODEL, 1, 2 * kContext);
  const Answer longer = run_one(ask(kSky));
  EXPECT_EQ(longer.text, first.text);
  EXPECT_EQ(longer.cached, 0) << "another context: what was saved does not fit";
}

TEST_F(LlamaEngineTest, WhatWasDamagedIsComputedAgain) {
  const Answer first = run_one(ask(kSky));
  engine->park();
  // In the middle of the block's state.
  uint8_t byte = 0;
  const off_t middle = ::lseek(prefixes.get(), 0, SEEK_END) / 2;
  ASSERT_EQ(::pread(prefixes.get(), &byte, 1, middle), 1);
  byte ^= 1;
  ASSERT_EQ(::pwrite(prefixes.get(), &byte, 1, middle), 1);
  ASSERT_TRUE(engine->set_slots(1));
  const Answer again = run_one(ask(kSky));
  EXPECT_EQ(again.cached, 0);
  EXPECT_EQ(again.text, first.text);
}

TEST_F(LlamaEngineTest, ContinuesAConversation) {
  domain::Call call = ask(kHello);
  const Answer first = run_one(call);
  std::get<domain::Chat>(call.input).messages.push_back({.role = "assistant", .content = first.text});
  std::get<domain::Chat>(call.input).messages.push_back({.role = "user", .content = "And again?"});
  const Answer second = run_one(call);
  EXPECT_GE(second.cached, kPromptChunk);
  load(1);
  EXPECT_EQ(run_one(call).text, second.text) << "as without knowing the beginning";
}

// A question that begins like another's, for longer than a step computes.
domain::Call ask_alike(const std::string& ending) {
  std::string question = "Repeat after me:";
  for (int i = 0; i < 25; ++i)
    question += " one two three " + std::to_string(i);
  domain::Call call = ask(question + ending, 6);
  call.sampling.top_logprobs = 1;
  return call;
}

TEST_F(LlamaEngineTest, WhatTwoCallsBeginWithIsComputedOnce) {
  const Answer first = run_one(ask_alike(", apples"));
  load(1);
  const Answer second = run_one(ask_alike(", and then pears"));
  ASSERT_GT(second.prompt, kPromptTokensPerStepMax);
  load(3);
  ASSERT_TRUE(engine->execute(CallId{1}, ask_alike(", apples")));
  ASSERT_TRUE(engine->execute(CallId{2}, ask_alike(", and then pears")));
  Answers answers;
  for (bool begun = false; engine->busy();) {
    const std::vector<engine::StepEvent> events = engine->step();
    begun = begun || std::ranges::any_of(events, [](const auto& event) { return event.call == CallId{2} && event.kind == Kind::kStarted; });
    EXPECT_TRUE(begun || std::ranges::none_of(events, [](const auto& event) { return event.call == CallId{2}; })) << "nothing of it before it has begun";
    collect(answers, events);
  }
  EXPECT_EQ(answers[CallId{1}].cached, 0);
  EXPECT_GT(answers[CallId{2}].cached, kPromptTokensPerStepMax);
  EXPECT_EQ(answers[CallId{1}].logprobs, first.logprobs) << "to the last bit";
  EXPECT_EQ(answers[CallId{2}].logprobs, second.logprobs) << "to the last bit";
  // And of one whose call has ended, in a slot that stays as it is.
  const Answer third = run_one(ask_alike(", or plums"));
  EXPECT_GT(third.cached, kPromptTokensPerStepMax);
  domain::Call with_seed = ask_alike(", or grapes");
  with_seed.sampling.seed = 1;
  EXPECT_EQ(run_one(with_seed).cached, 0);
}

TEST_F(LlamaEngineTest, WhoeverWaitsForABeginningGoesOnWithoutIt) {
  load(1);
  const Answer alone = run_one(ask_alike(", and then pears"));
  const auto beside = [&](const char* what, const std::function<void()>& happens) {
    SCOPED_TRACE(what);
    load(4);
    Answers answers;
    ASSERT_TRUE(engine->execute(CallId{1}, ask_alike(", apples")));
    ASSERT_TRUE(engine->execute(CallId{2}, ask_alike(", and then pears")));
    collect(answers, engine->step());
    happens();
    while (engine->busy())
      collect(answers, engine->step());
    EXPECT_EQ(answers[CallId{2}].logprobs, alone.logprobs) << "to the last bit";
    EXPECT_GT(answers[CallId{2}].cached, 0) << "as far as it was computed";
  };
  beside("the other is cancelled", [&] { ASSERT_TRUE(engine->cancel(CallId{1})); });
  beside("slots are moved", [&] { ASSERT_TRUE(engine->set_slots(2)); });
  load(2);
  ASSERT_TRUE(engine->execute(CallId{1}, ask_alike(", apples")));
  ASSERT_TRUE(engine->execute(CallId{2}, ask_alike(", and then pears")));
  Answers answers;
  collect(answers, engine->step());
  ASSERT_TRUE(engine->cancel(CallId{2}));
  while (engine->busy())
    collect(answers, engine->step());
  EXPECT_EQ(answers[CallId{1}].end->kind, Kind::kFinished);
  EXPECT_EQ(run_one(ask_alike(", and then pears")).logprobs, alone.logprobs);
}

TEST_F(LlamaEngineTest, CancelFreesTheSlotBetweenSteps) {
  ASSERT_TRUE(engine->execute(CallId{1}, ask(kSky, 100)));
  Answers answers;
  while (answers[CallId{1}].tokens < 3)
    collect(answers, engine->step());
  const auto event = engine->cancel(CallId{1});
  ASSERT_TRUE(event);
  EXPECT_EQ(event->completion_tokens, 3);
  EXPECT_FALSE(engine->busy());
  const Answer next = run_one(ask(kHello));
  load(1);
  EXPECT_EQ(run_one(ask(kHello)).text, next.text);
}

TEST_F(LlamaEngineTest, EndsWhereTold) {
  const Answer whole = run_one(ask(kHello, 40));
  EXPECT_EQ(whole.end->reason, domain::FinishReason::kStop);
  const Answer cut = run_one(ask(kHello, 3));
  EXPECT_EQ(cut.tokens, 3);
  EXPECT_EQ(cut.end->reason, domain::FinishReason::kLength);
  EXPECT_TRUE(whole.text.starts_with(cut.text));
  const std::string word = whole.text.substr(whole.text.size() / 2, 4);
  domain::Call stopping = ask(kHello, 40);
  stopping.sampling.stop = {word};
  const Answer stopped = run_one(stopping);
  EXPECT_EQ(stopped.text, whole.text.substr(0, whole.text.find(word)));
  EXPECT_EQ(stopped.end->reason, domain::FinishReason::kStop);
}

TEST_F(LlamaEngineTest, StopsAtTheContextsEnd) {
  load(1, 64);
  domain::Call call = ask("Tell a very long story.");
  call.sampling.max_tokens.reset();
  call.sampling.temperature = 1.5;
  const Answer answer = run_one(call);
  ASSERT_TRUE(answer.end);
  if (answer.end->reason == domain::FinishReason::kLength) {
    EXPECT_EQ(answer.prompt + answer.tokens, 64);
  }
  EXPECT_LE(answer.prompt + answer.tokens, 64);
}

TEST_F(LlamaEngineTest, RefusesWhatCannotRun) {
  std::string words;
  for (int i = 0; i < 600; ++i)
    words += "word ";
  const auto refusal = [&](const domain::Call& call) {
    const Status taken = engine->execute(CallId{1}, call);
    EXPECT_FALSE(taken);
    return taken ? Error{} : taken.error();
  };
  const Error long_prompt = refusal(ask(words));
  EXPECT_EQ(long_prompt.kind, ErrorKind::kInvalid);
  EXPECT_EQ(long_prompt.param, "messages");
  EXPECT_EQ(long_prompt.code, "context_length_exceeded");
  EXPECT_NE(long_prompt.message.find("512"), std::string::npos);
  EXPECT_EQ(refusal(ask(std::string(8 << 20, 'x'))).code, "context_length_exceeded");
  EXPECT_EQ(refusal(ask("caf\xC3")).param, "messages");
  EXPECT_EQ(refusal(ask(std::string("a\0b", 3))).param, "messages");
  EXPECT_EQ(refusal(domain::Call{}).param, "messages");
  EXPECT_FALSE(engine->busy());
  // Odd, but answerable.
  EXPECT_EQ(run_one(ask("", 2)).end->kind, Kind::kFinished);
  EXPECT_EQ(run_one(ask("<|im_end|>\n\n\n\xF0\x9F\x98\x80", 2)).end->kind, Kind::kFinished);
}

TEST_F(LlamaEngineTest, SeedsDecideWhatChanceDoes) {
  domain::Call call = ask("Write a poem.", 8);
  call.sampling.temperature = 1;
  call.sampling.top_p = 0.9;
  call.sampling.seed = -1;
  const Answer first = run_one(call);
  EXPECT_EQ(run_one(call).text, first.text);
  call.sampling.seed = 2;
  EXPECT_NE(run_one(call).text, first.text);
}

TEST_F(LlamaEngineTest, WritesWholeCharacters) {
  // collect() checks every piece; several scripts make sure that characters of several tokens come along.
  domain::Call call = ask("Repeat: \xF0\x9F\x98\x80 \xE4\xBD\xA0\xE5\xA5\xBD \xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82", 24);
  call.sampling.temperature = 1;
  call.sampling.seed = 7;
  EXPECT_GT(run_one(call).tokens, 0);
}

TEST_F(LlamaEngineTest, RefusesAFileThatIsNoModel) {
  char path[] = "/tmp/ebb-not-a-model-XXXXXX";
  const int file = ::mkstemp(path);
  ::unlink(path);
  ASSERT_EQ(::write(file, "GGUF nonsense", 13), 13);
  ::lseek(file, 0, SEEK_SET);
  const auto loaded = load_engine(Fd(file), {.context_tokens = kContext, .slots = 1}, [](int64_t, int64_t) {});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().kind, ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace ebb::engine_llama
