// Texts in, vectors out: what is read, what is refused, and the exact JSON.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "domain/limits.h"
#include "wire/ollama.h"
#include "wire/openai.h"
#include "wire/vector_text.h"

namespace ebb::wire {
namespace {

std::string body(std::string_view fields) { return R"({"model":"e",)" + std::string(fields) + "}"; }

domain::Texts texts_of(const Result<Asked>& asked) {
  EXPECT_TRUE(asked) << asked.error().message;
  EXPECT_EQ(asked->calls.size(), 1U);
  EXPECT_EQ(asked->calls[0].endpoint, "e");
  return std::get<domain::Texts>(asked->calls[0].input);
}

const Answered kAnswered{.head = {.id = "1", .created = 17, .model = "e"}, .choices = {{}}, .usage = {.prompt_tokens = 5, .total = nanoseconds(9)}};

TEST(Embeddings, ReadEveryForm) {
  using Tokens = std::vector<int32_t>;
  EXPECT_EQ(texts_of(ask_embeddings(body(R"("input":"a")"))), (domain::Texts{.inputs = {{.text = "a"}}}));
  EXPECT_EQ(texts_of(ask_embeddings(body(R"("input":["a","b"],"dimensions":8,"user":"u")"))),
            (domain::Texts{.inputs = {{.text = "a"}, {.text = "b"}}, .dimensions = 8}));
  EXPECT_EQ(texts_of(ask_embeddings(body(R"("input":[1,2])"))), (domain::Texts{.inputs = {{.text = Tokens{1, 2}}}}));
  EXPECT_EQ(texts_of(ask_embeddings(body(R"("input":[[1],[2,3]])"))), (domain::Texts{.inputs = {{.text = Tokens{1}}, {.text = Tokens{2, 3}}}}));
  EXPECT_EQ(texts_of(ask_ollama_embed(body(R"("input":"a","truncate":true)"))), (domain::Texts{.inputs = {{.text = "a"}}, .cut_to_fit = true}));
  EXPECT_EQ(texts_of(ask_ollama_embeddings(body(R"("prompt":"")"))), (domain::Texts{.inputs = {{.text = ""}}}));
}

TEST(Embeddings, RefuseByName) {
  std::string many = "\"a\"";
  for (size_t i = 0; i < domain::kInputsMax; ++i)
    many += ",\"a\"";
  struct Row {
    std::string fields;
    std::string param;
  };
  const Row rows[] = {{R"("x":1)", "input"},
                      {R"("input":"")", "input"},
                      {R"("input":[])", "input"},
                      {R"("input":["a",""])", "input"},
                      {R"("input":["a",1])", "input"},
                      {R"("input":[[1],[]])", "input"},
                      {R"("input":[1,-1])", "input"},
                      {R"("input":[2147483648])", "input"},
                      {R"("input":"a\u0000b")", "input"},
                      {R"("input":{})", "input"},
                      {R"("input":[)" + many + "]", "input"},
                      {R"("input":"a","encoding_format":"int8")", "encoding_format"},
                      {R"("input":"a","dimensions":0)", "dimensions"},
                      {R"("input":"a","dimensions":16385)", "dimensions"},
                      {R"("input":"a","dimensions":1.5)", "dimensions"}};
  for (const Row& row : rows) {
    const Result<Asked> asked = ask_embeddings(body(row.fields));
    ASSERT_FALSE(asked) << row.fields.substr(0, 60);
    EXPECT_EQ(asked.error().kind, ErrorKind::kInvalid);
    EXPECT_EQ(asked.error().param, row.param) << row.fields.substr(0, 60);
  }
}

TEST(Embeddings, AreWrittenAsAsked) {
  const auto answer = [](const Result<Asked>& asked) {
    asked->writer->add_vector({.values = {1, -0.5F}});
    asked->writer->add_vector({.values = {0.25F, 1e-20F}});
    return asked->writer->whole(kAnswered);
  };
  constexpr std::string_view kRest = R"(],"model":"e","usage":{"prompt_tokens":5,"total_tokens":5}})";
  EXPECT_EQ(answer(ask_embeddings(body(R"("input":["a","b"])"))),
            R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":[1,-0.5]},{"object":"embedding","index":1,"embedding":[0.25,1e-20]})" +
                std::string(kRest) + "\n");
  EXPECT_EQ(
      answer(ask_embeddings(body(R"("input":["a","b"],"encoding_format":"base64")"))),
      R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":"AACAPwAAAL8="},{"object":"embedding","index":1,"embedding":"AACAPgjlPB4="})" +
          std::string(kRest) + "\n");
  EXPECT_EQ(answer(ask_ollama_embed(body(R"("input":["a","b"])"))),
            "{\"model\":\"e\",\"embeddings\":[[1,-0.5],[0.25,1e-20]],\"total_duration\":9,\"load_duration\":0,\"prompt_eval_count\":5}\n");
  const Result<Asked> one = ask_ollama_embeddings(body(R"("prompt":"a")"));
  one->writer->add_vector({.values = {1, -0.5F}});
  EXPECT_EQ(one->writer->whole(kAnswered), "{\"embedding\":[1,-0.5]}\n");
}

TEST(VectorText, ReadsBackAsTheSameFloats) {
  std::mt19937 random(1);
  std::vector<float> values{0, -0.0F, std::numeric_limits<float>::max(), std::numeric_limits<float>::denorm_min()};
  while (values.size() < 1000) {
    const auto value = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (std::isfinite(value)) values.push_back(value);
  }
  std::string text;
  append_array(text, values);
  const Result<json::value> read = parse_json(text);
  ASSERT_TRUE(read) << read.error().message;
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(static_cast<float>(read->as_array()[i].to_number<double>()), values[i]);
}

}  // namespace
}  // namespace ebb::wire
