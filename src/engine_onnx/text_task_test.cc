// A public sentence model and a classifier of mail, through the engine.
#include "engine_onnx/text_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "base/json.h"
#include "engine_onnx/engine_for_test.h"
#include "engine_onnx/models_for_test.h"

namespace ebb::engine_onnx::test {
namespace {

using testing::HasSubstr;
using Vectors = std::vector<std::vector<float>>;

double product(const std::vector<float>& a, const std::vector<float>& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

domain::Texts texts(std::vector<std::string> inputs) {
  domain::Texts out;
  for (std::string& input : inputs)
    out.inputs.push_back({.text = std::move(input)});
  return out;
}

class SentenceModel : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (is_there("sentences")) engine_ = loaded(package_of("sentences")).release();
  }
  static void TearDownTestSuite() { delete std::exchange(engine_, nullptr); }
  void SetUp() override {
    if (engine_ == nullptr) GTEST_SKIP() << "no sentence model in " EBB_ONNX_MODELS;
  }
  static engine::Engine& engine() { return *engine_; }

  static inline engine::Engine* engine_ = nullptr;
};

TEST_F(SentenceModel, GivesTheVectorsOfTheReference) {
  const Result<json::value> golden = parse_json(contents(EBB_SOURCE_DIR "/tests/golden/all-MiniLM-L6-v2.json"));
  ASSERT_TRUE(golden);
  std::vector<std::string> inputs;
  Vectors wanted;
  for (const json::value& one : golden->at("vectors").as_array()) {
    inputs.emplace_back(one.at("text").as_string());
    wanted.emplace_back();
    for (const json::value& value : one.at("vector").as_array())
      wanted.back().push_back(value.to_number<float>());
  }
  const Answer answer = ask(engine(), texts(inputs));
  ASSERT_EQ(answer.vectors.size(), wanted.size()) << answer.error.message;
  EXPECT_GT(answer.prompt_tokens, static_cast<int64_t>(3 * wanted.size()));
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_NEAR(product(answer.vectors[i], answer.vectors[i]), 1, 1e-5);
    EXPECT_GT(product(answer.vectors[i], wanted[i]), 0.9999) << inputs[i];
  }
}

// What others ask at the same time moves no number beyond what the order of a sum does.
TEST_F(SentenceModel, NeighboursDoNotMatter) {
  const std::vector<std::string> mine{"A short one.", "Another text, which has some more words in it than the first."};
  const Vectors alone = ask(engine(), texts(mine)).vectors;
  ASSERT_EQ(alone.size(), 2U);
  std::vector<std::string> many;
  for (int i = 0; i < 20; ++i)
    many.push_back("This is sentence number " + std::to_string(i) +
                   (i % 3 == 0 ? " with a longer tail of words behind it, so that it is padded otherwise" : ""));
  domain::Call call;
  call.input = texts(many);
  ASSERT_TRUE(engine().execute(CallId{1}, call));
  call.input = texts(mine);
  ASSERT_TRUE(engine().execute(CallId{2}, call));
  const Vectors together = answers(engine())[2].vectors;
  ASSERT_EQ(together.size(), 2U);
  for (size_t i = 0; i < 2; ++i) {
    for (size_t at = 0; at < alone[i].size(); ++at)
      EXPECT_NEAR(together[i][at], alone[i][at], 1e-5);
  }
}

TEST_F(SentenceModel, TakesTokensAsTheyStand) {
  domain::Texts tokens;
  tokens.inputs.push_back({.text = std::vector<int32_t>{101, 1996, 4937, 7719, 2006, 1996, 13523, 1012, 102}});
  const Answer by_tokens = ask(engine(), tokens);
  const Answer by_text = ask(engine(), texts({"The cat sits on the mat."}));
  ASSERT_EQ(by_tokens.vectors.size(), 1U) << by_tokens.error.message;
  EXPECT_EQ(by_tokens.vectors, by_text.vectors);
  EXPECT_EQ(by_tokens.prompt_tokens, 9);
}

TEST_F(SentenceModel, FewerDimensionsAreOfLengthOneAgain) {
  domain::Texts few = texts({"The cat sits on the mat."});
  few.dimensions = 10;
  const Answer answer = ask(engine(), few);
  ASSERT_EQ(answer.vectors.at(0).size(), 10U);
  EXPECT_NEAR(product(answer.vectors[0], answer.vectors[0]), 1, 1e-5);
}

TEST_F(SentenceModel, LongTextsAreRefusedOrCut) {
  std::string words;
  for (int i = 0; i < 300; ++i)
    words += "word ";
  domain::Texts longer = texts({"short", words});
  const Answer refused = ask(engine(), longer);
  EXPECT_EQ(refused.error.kind, ErrorKind::kInvalid);
  EXPECT_EQ(refused.error.code, "context_length_exceeded");
  EXPECT_THAT(refused.error.message, HasSubstr("'input[1]' has more than 256 tokens"));
  longer.cut_to_fit = true;
  const Answer cut = ask(engine(), longer);
  EXPECT_EQ(cut.vectors.size(), 2U);
  EXPECT_EQ(cut.prompt_tokens, 3 + 256);
}

TEST_F(SentenceModel, RefusesWhatItCannotDo) {
  EXPECT_THAT(ask(engine(), domain::Prompt{.text = "Say hello"}).error.message, HasSubstr("turns texts into vectors"));
  domain::Texts wide = texts({"a"});
  wide.dimensions = 385;
  EXPECT_EQ(ask(engine(), wide).error.param, "dimensions");
  domain::Texts unknown;
  unknown.inputs.push_back({.text = std::vector<int32_t>{101, 30522}});
  EXPECT_THAT(ask(engine(), unknown).error.message, HasSubstr("token 30522"));
  // It takes tensors besides, as every model does.
  const domain::Tensors raw{.inputs = {tensor<int64_t>("input_ids", DataType::kInt64, {1, 1}, {101}),
                                       tensor<int64_t>("attention_mask", DataType::kInt64, {1, 1}, {1}),
                                       tensor<int64_t>("token_type_ids", DataType::kInt64, {1, 1}, {0})}};
  EXPECT_EQ(ask(engine(), raw).tensors.at(0).head.shape, (Shape{1, 1, 384}));
}

TEST_F(SentenceModel, ShowsAPromptAsItSeesIt) {
  domain::Call call;
  call.input = domain::Prompt{.text = "The mat."};
  call.show_prompt = true;
  ASSERT_TRUE(engine().execute(CallId{1}, call));
  std::string shown;
  while (engine().busy()) {
    for (const engine::StepEvent& event : engine().step())
      shown += event.text.text;
  }
  EXPECT_THAT(shown, HasSubstr("[CLS]"));
  EXPECT_THAT(shown, HasSubstr("mat"));
}

TEST(MailModel, TellsSpam) {
  if (!is_there("spam")) GTEST_SKIP() << "no classifier of mail in " EBB_ONNX_MODELS;
  const auto engine = loaded(package_of("spam"));
  ASSERT_NE(engine, nullptr);
  const Answer answer =
      ask(*engine, domain::Samples{.kind = domain::Samples::Kind::kText,
                                   .items = {"Life Insurance - Why Pay More? Click here now for a FREE quote, guaranteed savings!!!",
                                             "Re: [ILUG] kernel patch\nOn Mon, John wrote: > the build fails with this error in the log, any ideas?"},
                                   .top = 2});
  ASSERT_EQ(answer.labels.size(), 2U) << answer.error.message;
  EXPECT_EQ(answer.labels[0].labels.at(0).label, "spam");
  EXPECT_EQ(answer.labels[1].labels.at(0).label, "ham");
  EXPECT_EQ(answer.labels[0].labels.size(), 2U);
  EXPECT_NEAR(answer.labels[0].labels[0].score + answer.labels[0].labels[1].score, 1, 1e-5);
  EXPECT_THAT(ask(*engine, domain::Samples{.kind = domain::Samples::Kind::kImage, .items = {"x"}}).error.message, HasSubstr("gives labels to texts"));
}

}  // namespace
}  // namespace ebb::engine_onnx::test
