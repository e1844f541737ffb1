// The engine with a sentence model: the vectors of the reference implementation, and calls that do not touch each other.
#include "engine_llama/embedding_engine.h"

#include <malloc.h>

#include <fstream>
#include <iterator>
#include <numeric>

#include "base/json.h"
#include "engine_llama/altered_model_for_test.h"
#include "engine_llama/demo_engine_for_test.h"
#include "io/folder_for_test.h"

namespace ebb::engine_llama {
namespace {

using Vectors = std::vector<std::vector<float>>;

struct Embedded {
  Vectors vectors;
  int64_t prompt = -1;
  std::optional<engine::StepEvent> end;
};

domain::Call embed(std::vector<domain::Prompt> inputs) { return {.input = domain::Texts{.inputs = std::move(inputs)}}; }

double product(const std::vector<float>& a, const std::vector<float>& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

class EmbeddingEngineTest : public DemoEngineTest {
 protected:
  void SetUp() override {
    if (::access(EBB_SENTENCE_MODEL, R_OK) != 0) GTEST_SKIP() << "no sentence model at " EBB_SENTENCE_MODEL;
    load_from(EBB_SENTENCE_MODEL, 2, 512);
  }

  std::map<CallId, Embedded> run_all() {
    std::map<CallId, Embedded> all;
    while (engine->busy())
      collect_vectors(all, engine->step());
    return all;
  }
  static void collect_vectors(std::map<CallId, Embedded>& all, const std::vector<engine::StepEvent>& events) {
    for (const engine::StepEvent& event : events) {
      Embedded& one = all[event.call];
      EXPECT_FALSE(one.end) << "an event after the end";
      if (event.kind == Kind::kStarted) one.prompt = event.prompt_tokens;
      if (event.kind == Kind::kVector) one.vectors.push_back(event.values);
      if (event.kind == Kind::kFinished || event.kind == Kind::kFailed) one.end = event;
    }
  }
  Embedded run_vectors(const domain::Call& call) {
    const Status taken = engine->execute(CallId{1}, call);
    EXPECT_TRUE(taken) << taken.error().message;
    return run_all()[CallId{1}];
  }
  Error failure(const domain::Call& call) {
    if (const Status taken = engine->execute(CallId{1}, call); !taken) return taken.error();
    const Embedded got = run_all()[CallId{1}];
    EXPECT_EQ(got.end->kind, Kind::kFailed);
    return got.end->error;
  }
};

TEST_F(EmbeddingEngineTest, GivesTheVectorsOfTheReference) {
  std::ifstream file(EBB_SOURCE_DIR "/tests/golden/all-MiniLM-L6-v2.json");
  const Result<json::value> golden = parse_json(std::string{std::istreambuf_iterator<char>(file), {}});
  ASSERT_TRUE(golden);
  std::vector<domain::Prompt> inputs;
  Vectors wanted;
  for (const json::value& one : golden->at("vectors").as_array()) {
    inputs.push_back({.text = std::string(one.at("text").as_string())});
    wanted.emplace_back();
    for (const json::value& value : one.at("vector").as_array())
      wanted.back().push_back(value.to_number<float>());
  }
  const Embedded got = run_vectors(embed(inputs));
  ASSERT_TRUE(got.end);
  ASSERT_EQ(got.vectors.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    SCOPED_TRACE(std::get<std::string>(inputs[i].text));
    ASSERT_EQ(got.vectors[i].size(), wanted[i].size());
    EXPECT_NEAR(product(got.vectors[i], got.vectors[i]), 1, 1e-6);
    EXPECT_GT(product(got.vectors[i], wanted[i]), 0.99999);
    for (size_t at = 0; at < wanted[i].size(); ++at)
      EXPECT_NEAR(got.vectors[i][at], wanted[i][at], 1e-3);
  }
}

TEST_F(EmbeddingEngineTest, NobodyMattersToAVector) {
  std::vector<domain::Prompt> many;
  for (int i = 0; i < 200; ++i)
    many.push_back({.text = "This is sentence number " + std::to_string(i)});
  const Vectors alone = run_vectors(embed(many)).vectors;
  const Vectors small = run_vectors(embed({{.text = "one"}, {.text = "two"}})).vectors;
  ASSERT_TRUE(engine->execute(CallId{1}, embed(many)));
  ASSERT_TRUE(engine->execute(CallId{2}, embed({{.text = "one"}, {.text = "two"}})));
  EXPECT_EQ(engine->execute(CallId{3}, embed(many)).error().kind, ErrorKind::kOverloaded);
  std::map<CallId, Embedded> both;
  while (!both[CallId{2}].end)
    collect_vectors(both, engine->step());
  EXPECT_FALSE(both[CallId{1}].end) << "the small call waits for a batch of the large one, not for all of it";
  while (engine->busy())
    collect_vectors(both, engine->step());
  EXPECT_EQ(both[CallId{1}].vectors, alone);
  EXPECT_EQ(both[CallId{2}].vectors, small);
  // Nor does the number of threads, nor parking.
  engine->set_threads(2);
  EXPECT_EQ(run_vectors(embed(many)).vectors, alone);
  engine->park();
  ASSERT_TRUE(engine->set_slots(1));
  EXPECT_EQ(run_vectors(embed(many)).vectors, alone);
}

// The library touches a pool of threads after it was replaced; what was freed is overwritten here, so that this would be seen.
TEST_F(EmbeddingEngineTest, ThreadsComeAndGo) {
  ::mallopt(M_PERTURB, 0xA5);
  const Vectors alone = run_vectors(embed({{.text = "hello"}})).vectors;
  for (const int threads : {2, 2, 1, 2, 1, 1, 2}) {
    engine->set_threads(3 - threads);  // never computes
    engine->set_threads(threads);
    EXPECT_EQ(run_vectors(embed({{.text = "hello"}})).vectors, alone);
  }
  ::mallopt(M_PERTURB, 0);
}

TEST_F(EmbeddingEngineTest, DimensionsAreTheFirstScaledAgain) {
  domain::Call call = embed({{.text = "hello"}});
  const std::vector<float> whole = run_vectors(call).vectors[0];
  std::get<domain::Texts>(call.input).dimensions = 16;
  const std::vector<float> part = run_vectors(call).vectors[0];
  ASSERT_EQ(part.size(), 16U);
  EXPECT_NEAR(product(part, part), 1, 1e-6);
  EXPECT_NEAR(part[3] / part[0], whole[3] / whole[0], 1e-5);
  std::get<domain::Texts>(call.input).dimensions = 385;
  EXPECT_EQ(failure(call).param, "dimensions");
}

TEST_F(EmbeddingEngineTest, TokensAreTakenAsTheyStand) {
  const Embedded text = run_vectors(embed({{.text = "hello world"}}));
  EXPECT_EQ(text.prompt, 4);
  const Embedded tokens = run_vectors(embed({{.text = std::vector<int32_t>{101, 7592, 2088, 102}}}));
  EXPECT_EQ(tokens.prompt, 4);
  EXPECT_EQ(tokens.vectors, text.vectors);
  EXPECT_EQ(failure(embed({{.text = "a"}, {.text = std::vector<int32_t>{30'522}}})).param, "input");
  EXPECT_EQ(failure(embed({{.text = std::vector<int32_t>{-1}}})).param, "input");
  EXPECT_EQ(failure(embed({{.text = std::vector<int32_t>{}}})).param, "input");
}

TEST_F(EmbeddingEngineTest, SpelledControlTokensAreText) { EXPECT_GT(run_vectors(embed({{.text = "[SEP]"}})).prompt, 3); }

TEST_F(EmbeddingEngineTest, WhatIsTooLongIsRefusedOrCutAsAsked) {
  std::string long_text;
  for (int i = 0; i < 600; ++i)
    long_text += "word ";
  const Error refused = failure(embed({{.text = "fine"}, {.text = long_text}}));
  EXPECT_EQ(refused.kind, ErrorKind::kInvalid);
  EXPECT_EQ(refused.code, "context_length_exceeded");
  EXPECT_NE(refused.message.find("'input[1]' has 602 tokens"), std::string::npos) << refused.message;
  EXPECT_NE(failure(embed({{.text = std::string(8 << 20, 'x')}})).message.find("at least"), std::string::npos);
  domain::Call cut = embed({{.text = long_text}, {.text = std::string(8 << 20, 'x')}, {.text = long_text.substr(0, 510 * 5)}});
  std::get<domain::Texts>(cut.input).cut_to_fit = true;
  const Embedded got = run_vectors(cut);
  ASSERT_EQ(got.vectors.size(), 3U);
  EXPECT_EQ(got.vectors[0], got.vectors[2]) << "cut so that what ends a text still ends it";
}

TEST_F(EmbeddingEngineTest, RefusesWhatOtherModelsDo) {
  EXPECT_EQ(failure(ask("hello")).param, "model");
  EXPECT_EQ(failure({.input = domain::Prompt{.text = "hello"}}).param, "model");
  load_from(EBB_DEMO_MODEL, 1, 512);
  EXPECT_EQ(failure(embed({{.text = "hello"}})).param, "model");
}

TEST_F(EmbeddingEngineTest, ACancelFreesTheSlot) {
  std::vector<domain::Prompt> many(500, {.text = "some words"});
  ASSERT_TRUE(engine->execute(CallId{1}, embed(many)));
  engine->step();
  ASSERT_TRUE(engine->execute(CallId{2}, embed(many)));
  EXPECT_TRUE(engine->cancel(CallId{1}));
  EXPECT_FALSE(engine->cancel(CallId{1}));
  EXPECT_TRUE(engine->cancel(CallId{2}));
  EXPECT_FALSE(engine->busy());
  EXPECT_EQ(run_vectors(embed({{.text = "hello"}})).vectors.size(), 1U);
}

TEST_F(EmbeddingEngineTest, ShowsWhatTheModelSees) {
  ASSERT_TRUE(engine->execute(CallId{1}, {.input = domain::Prompt{.text = "Hello"}, .show_prompt = true}));
  const Answers answers = run();
  EXPECT_EQ(answers.at(CallId{1}).prompt, 3);
  EXPECT_NE(answers.at(CallId{1}).text.find("[CLS]"), std::string::npos);
}

// Models that generate, made to embed: they keep what they computed of a text, and a long text goes in pieces.
TEST_F(EmbeddingEngineTest, CausalModelsEmbedToo) {
  const io::FolderForTest folder;
  const std::string path = folder.path("model.gguf").string();
  const std::string long_text = [] {
    std::string text;
    for (int i = 0; i < 70; ++i)
      text += " word number " + std::to_string(i);
    return text;
  }();
  for (const uint32_t pooling : {3U, 1U}) {  // last, mean
    SCOPED_TRACE(pooling);
    ASSERT_NO_FATAL_FAILURE(write_altered_model(path, [pooling](gguf_context* header) { gguf_set_val_u32(header, "llama.pooling_type", pooling); }));
    load_from(path.c_str(), 2, 512);
    const Embedded alone = run_vectors(embed({{.text = "hello world"}, {.text = long_text}}));
    ASSERT_EQ(alone.vectors.size(), 2U);
    EXPECT_GT(alone.prompt, kBatchTokens);
    EXPECT_LT(product(alone.vectors[0], alone.vectors[1]), 0.999);
    // Beside others in a batch only the last bits may differ; a neighbour's tokens must not be seen.
    const Embedded beside = run_vectors(embed({{.text = "quite another text"}, {.text = "hello world"}, {.text = "and one more"}}));
    EXPECT_GT(product(beside.vectors[1], alone.vectors[0]), 0.9999);
    engine->set_threads(2);
    EXPECT_EQ(run_vectors(embed({{.text = "hello world"}, {.text = long_text}})).vectors, alone.vectors) << "nor is anything left of a text before";
  }
}

TEST_F(EmbeddingEngineTest, AModelThatRanksIsRefused) {
  const io::FolderForTest folder;
  const std::string path = folder.path("model.gguf").string();
  ASSERT_NO_FATAL_FAILURE(write_altered_model(path, [](gguf_context* header) { gguf_set_val_u32(header, "llama.pooling_type", 4); }));
  const auto loaded = load_engine(Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), {.context_tokens = 512, .slots = 1}, [](int64_t, int64_t) {});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().kind, ErrorKind::kInvalid);
}

TEST_F(EmbeddingEngineTest, ALongTextShowsThatItIsComputed) {
  int signs = 0;
  auto loaded = load_engine(Fd(::open(EBB_SENTENCE_MODEL, O_RDONLY | O_CLOEXEC)), {.context_tokens = 512, .slots = 1}, [&signs](int64_t, int64_t) { ++signs; });
  ASSERT_TRUE(loaded);
  engine = std::move(*loaded);
  signs = 0;
  run_vectors(embed({{.text = "short"}}));
  EXPECT_EQ(signs, 0);
  std::string text;
  for (int i = 0; i < 500; ++i)
    text += "word ";
  run_vectors(embed({{.text = text}}));
  EXPECT_GT(signs, 1);
  engine.reset();  // before what it tells
}

}  // namespace
}  // namespace ebb::engine_llama
