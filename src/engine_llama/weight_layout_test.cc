// The demo model with its weights laid out anew: made once, mapped and not made again, and answers that depend on nothing else.
#include "engine_llama/weight_layout.h"

#include <llama.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>

#include "engine_llama/demo_engine_for_test.h"
#include "engine_llama/layout_preparation.h"
#include "engine_llama/sequences.h"
#include "engine_llama/tiled_product.h"
#include "engine_llama/tiled_table.h"
#include "engine_llama/token_product.h"

namespace ebb::engine_llama {
namespace {

constexpr const char* kSky = "Why is the sky blue, and why is it red in the evening? Please answer in a few short sentences, for a child.";
constexpr const char* kMappedName = "laid-out-anew";

// A question whose probabilities show the last bit.
domain::Call closely(const char* question) {
  domain::Call call = ask(question, 8);
  call.sampling.top_logprobs = 2;
  return call;
}

bool alike(const Answer& a, const Answer& b) {
  const auto same = [](const domain::TokenLogprob& x, const domain::TokenLogprob& y) { return x.chosen.logprob == y.chosen.logprob; };
  return a.text == b.text && !a.logprobs.empty() && std::ranges::equal(a.logprobs, b.logprobs, same);
}

class WeightLayoutTest : public DemoEngineTest {
 protected:
  void SetUp() override {
    DemoEngineTest::SetUp();
    if (IsSkipped()) return;
    engine.reset();
    // Made once for all tests; each gets a copy that it may spoil.
    static const std::string made = make();
    if (made.empty()) GTEST_SKIP() << "the engine has no other layout for the demo model on this processor";
    prepared = file_with(made);
  }
  static Fd file_with(const std::string& bytes) {
    Fd file(::memfd_create(kMappedName, MFD_CLOEXEC));
    EXPECT_EQ(::pwrite(file.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    return file;
  }
  static Fd demo_model() { return Fd(::open(EBB_DEMO_MODEL, O_RDONLY | O_CLOEXEC)); }

  static std::string make() {
    const Fd file(::memfd_create("made", MFD_CLOEXEC));
    const Result<uint64_t> bytes = prepare_layout(demo_model(), file.get());
    EXPECT_TRUE(bytes) << bytes.error().message;
    std::string content(static_cast<size_t>(::lseek(file.get(), 0, SEEK_END)), '\0');
    EXPECT_EQ(bytes.value_or(0), content.size());
    EXPECT_EQ(::pread(file.get(), content.data(), content.size(), 0), static_cast<ssize_t>(content.size()));
    const Result<wire::WeightLayout> layout = wire::read_layout(content, content.size());
    EXPECT_TRUE(layout) << layout.error().message;
    return layout->parts.empty() ? "" : content;
  }
  bool tokens_alike() const {
    std::string page(wire::kLayoutDescriptionBytes, '\0');
    EXPECT_EQ(::pread(prepared.get(), page.data(), page.size(), 0), static_cast<ssize_t>(page.size()));
    const Result<wire::WeightLayout> layout = wire::read_layout(page, static_cast<uint64_t>(::lseek(prepared.get(), 0, SEEK_END)));
    return layout && layout->tokens_alike;
  }
  static uint64_t model_kib() { return static_cast<uint64_t>(::lseek(demo_model().get(), 0, SEEK_END)) / 1024; }
  static bool is_mapped() {
    std::ifstream maps("/proc/self/maps");
    const std::string all(std::istreambuf_iterator<char>(maps), {});
    return all.find(kMappedName) != std::string::npos;
  }
};

// What this process maps of files whose path ends like this.
uint64_t resident_kib(std::string_view path_end) {
  std::ifstream smaps("/proc/self/smaps");
  uint64_t kib = 0;
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    if (line.find(" kB") == std::string::npos && line.find('-') != std::string::npos) inside = line.ends_with(path_end);
    if (inside && line.starts_with("Rss:")) kib += std::stoull(line.substr(4));
  }
  return kib;
}

TEST_F(WeightLayoutTest, NothingIsInMemoryTwice) {
  load(1);
  (void)run_one(ask(kSky));
  EXPECT_LT(resident_kib(".gguf"), model_kib() / (rows_from_tiles() > 0 ? 50 : 2)) << "of the model, what is not laid out";
  EXPECT_GT(resident_kib(".gguf"), 0U);
}

TEST_F(WeightLayoutTest, IsMappedAndComputesTheSameBesideOthersAndWithMoreThreads) {
  load(1);
  EXPECT_TRUE(is_mapped());
  EXPECT_TRUE(logged.empty()) << logged.front();
  const Answer alone = run_one(closely(kSky));
  EXPECT_FALSE(alone.text.empty());

  load(4);
  ASSERT_TRUE(engine->execute(CallId{9}, ask("Say hello.", 30)));
  ASSERT_TRUE(engine->execute(CallId{8}, ask("Count to three.", 30)));
  ASSERT_TRUE(engine->execute(CallId{1}, closely(kSky)));
  EXPECT_TRUE(alike(run()[CallId{1}], alone)) << "neighbours";

  load(1);
  engine->set_threads(2);
  const uint64_t products = token_products() + tiled_products();
  EXPECT_TRUE(alike(run_one(closely(kSky)), alone)) << "threads";
  EXPECT_GT(token_products() + tiled_products(), products) << "tokens are computed by our products";
  EXPECT_TRUE(alike(run_one(closely(kSky)), alone)) << "a beginning that is cached";
}

TEST_F(WeightLayoutTest, WhereTokensAreAlikeAllThatIsKnownOfAPromptIsUsed) {
  if (!tokens_alike()) GTEST_SKIP() << "on this processor a token in a batch rounds differently from one alone";
  domain::Call seeded = closely(kSky);
  seeded.sampling.temperature = 0.8;
  seeded.sampling.seed = 7;
  for (const domain::Call& call : {closely(kSky), seeded}) {
    load(1);
    const Answer alone = run_one(call);
    EXPECT_EQ(alone.cached, 0);
    const Answer again = run_one(call);
    EXPECT_EQ(again.cached, alone.prompt - 1);
    EXPECT_TRUE(alike(again, alone)) << again.text << "\n and \n" << alone.text;
    engine->park();
    ASSERT_TRUE(engine->set_slots(1));
    const Answer woken = run_one(call);
    EXPECT_EQ(woken.cached, alone.prompt - 1);
    EXPECT_TRUE(alike(woken, alone)) << woken.text << "\n and \n" << alone.text;
  }
}

// Beside another call nothing is guessed.
TEST_F(WeightLayoutTest, WhatIsGuessedMakesFewerStepsAndNoOtherAnswer) {
  if (!tokens_alike()) GTEST_SKIP() << "on this processor a token in a batch rounds differently from one alone";
  domain::Call repeats = ask("Repeat this line ten times: the quick brown fox jumps over the lazy dog and runs away.", 120);
  repeats.sampling.top_logprobs = 2;
  // Much of it is there before, and what follows is often something else.
  domain::Call varies = ask("Write a list of twenty animals. For each say: the name of the animal, what the animal eats, where the animal lives.", 250);
  varies.sampling.top_logprobs = 2;
  varies.sampling.temperature = 0.8;
  varies.sampling.seed = 7;
  for (const domain::Call& call : {repeats, varies}) {
    load(2);
    ASSERT_TRUE(engine->execute(CallId{9}, ask("Tell me a long story about a king.", 400)));
    ASSERT_TRUE(engine->execute(CallId{1}, call));
    Answers both;
    while (!both[CallId{1}].end)
      collect(both, engine->step());
    load(1);
    ASSERT_TRUE(engine->execute(CallId{1}, call));
    Answers alone;
    int64_t steps = 0;
    for (; !alone[CallId{1}].end; ++steps)
      collect(alone, engine->step());
    EXPECT_TRUE(alike(alone[CallId{1}], both[CallId{1}])) << alone[CallId{1}].text << "\n and \n" << both[CallId{1}].text;
    EXPECT_EQ(alone[CallId{1}].tokens, both[CallId{1}].tokens);
    EXPECT_LT(steps, alone[CallId{1}].tokens) << alone[CallId{1}].text;
    EXPECT_EQ(alone[CallId{1}].end->completion_tokens, alone[CallId{1}].tokens);
  }
}

// In tiles all that is computed for a token is computed row by row.
TEST_F(WeightLayoutTest, InTilesATokenIsTheSameOneByOneAndInAPrompt) {
  const Result<std::unique_ptr<LoadedModel>> model = LoadedModel::load_anew(demo_model());
  ASSERT_TRUE(model) << model.error().message;
  const Threads one;
  const Result<std::unique_ptr<Sequences>> sequences = Sequences::make(**model, 2, 256, one);
  ASSERT_TRUE(sequences) << sequences.error().message;
  const uint64_t before = tiled_products();
  const auto results = [&](size_t sequence, int at_once) {
    std::vector<float> all;
    for (int64_t done = 0; done < 45; done += at_once) {
      std::vector<int> outputs;
      for (int64_t i = done; i < std::min<int64_t>(done + at_once, 45); ++i)
        outputs.push_back((*sequences)->add(sequence, i, static_cast<Token>(1000 + 71 * i), true));
      EXPECT_TRUE((*sequences)->decode());
      for (const int output : outputs) {
        const float* const logits = llama_get_logits_ith((*sequences)->get(), output);
        all.insert(all.end(), logits, logits + (*model)->vocabulary_size());
      }
    }
    (*sequences)->clear(sequence);
    return all;
  };
  const std::vector<float> one_by_one = results(0, 1);
  if (tiled_products() == before) GTEST_SKIP() << "the library has a layout of its own for this processor";
  for (const int at_once : {2, 3, 5, 8, 17, 45})
    EXPECT_TRUE(results(1, at_once) == one_by_one) << at_once << " at once";
}

TEST_F(WeightLayoutTest, WhatDoesNotFitIsNotUsed) {
  std::string made(4 << 20, '\0');
  made.resize(static_cast<size_t>(::pread(prepared.get(), made.data(), made.size(), 0)));
  const off_t whole = ::lseek(prepared.get(), 0, SEEK_END);
  prepared.reset();
  load(1);
  EXPECT_GT(resident_kib(".gguf"), model_kib() / 2) << "the model's own weights are used";
  const Answer stored = run_one(closely(kSky));
  const auto changed = [&made](std::string_view key) {
    std::string bytes = made;
    char& digit = bytes[bytes.find(key) + key.size()];
    digit = digit == '1' ? '2' : '1';
    return bytes;
  };
  const struct {
    const char* what;
    std::string bytes;
    off_t length;
    const char* says;
  } rows[] = {
      {"of another model", changed(R"("layout_of":")"), whole, "made of another model"},
      {"for another processor", changed(R"("layout_for":"layout)"), whole, "it was made for"},
      {"cut off", made, whole - 1, "not in its place"},
      {"empty", "", 0, "cut off"},
      {"other tensors", changed(R"("tensors":")"), whole, "they are another model's"},
      {"a buffer of another size", changed(R"("bytes":)"), whole * 10, "they are another model's"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    logged.clear();
    prepared = file_with(row.bytes);
    ASSERT_EQ(::ftruncate(prepared.get(), row.length), 0);
    load(1);
    ASSERT_EQ(logged.size(), 1U);
    EXPECT_NE(logged.front().find("do not fit"), std::string::npos) << logged.front();
    EXPECT_NE(logged.front().find(row.says), std::string::npos) << logged.front();
    EXPECT_GT(resident_kib(".gguf"), model_kib() / 2) << "the model's own weights are used";
    EXPECT_TRUE(alike(run_one(closely(kSky)), stored));
  }
}

TEST_F(WeightLayoutTest, WhatAModelWithoutOneIsToldIsNoReasonForALine) {
  prepared = Fd(::memfd_create("none", MFD_CLOEXEC));
  ASSERT_TRUE(write_no_layout(prepared.get(), *model_mark(demo_model().get()), "for a reason"));
  load(1);
  EXPECT_TRUE(logged.empty());
  EXPECT_GT(resident_kib(".gguf"), model_kib() / 2) << "the model's own weights are used";
  EXPECT_FALSE(run_one(ask(kSky)).text.empty());
}

// What was computed with other kernels is another state.
TEST_F(WeightLayoutTest, SavedBeginningsAreOfOneLayout) {
  Fd layout = std::move(prepared);
  load(1);
  (void)run_one(ask(kSky));
  engine->park();
  prepared = std::move(layout);
  load_with_prefixes(EBB_DEMO_MODEL, 1, kContext);
  EXPECT_EQ(run_one(ask(kSky)).cached, 0);
  engine->park();
  load_with_prefixes(EBB_DEMO_MODEL, 1, kContext);
  EXPECT_GT(run_one(ask(kSky)).cached, 0);
}

TEST_F(WeightLayoutTest, TheKeyMayBeAFilesName) {
  const std::string key = layout_key();
  EXPECT_TRUE(key.starts_with("layout2-")) << key;
  EXPECT_EQ(key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-"), std::string::npos) << key;
  EXPECT_LE(key.size(), 100U);
}

TEST_F(WeightLayoutTest, WhatIsNoModelHasNone) {
  const Fd out(::memfd_create("out", MFD_CLOEXEC));
  const Result<uint64_t> made = prepare_layout(file_with(std::string(10'000, 'x')), out.get());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace ebb::engine_llama
