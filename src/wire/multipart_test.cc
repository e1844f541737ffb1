// Forms as browsers and curl send them, and pictures and texts to be classified.
#include "wire/multipart.h"

#include <gtest/gtest.h>

#include "domain/limits.h"
#include "wire/classify.h"

namespace ebb::wire {
namespace {

constexpr std::string_view kType = "multipart/form-data; boundary=b";

std::string part(std::string_view name, std::string_view data, std::string_view more = "") {
  return "--b\r\nContent-Disposition: form-data; name=\"" + std::string(name) + "\"" + std::string(more) + "\r\n\r\n" + std::string(data) + "\r\n";
}

TEST(Form, Parts) {
  const std::string body =
      part("model", "e") + part("file", std::string_view("\r\n--a\0\r\n-", 10), "; filename=\"a;b.png\"\r\nContent-Type: Image/PNG; x=y") + "--b--\r\n";
  const auto parts = parse_form(kType, body);
  ASSERT_TRUE(parts) << parts.error().message;
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ((*parts)[0].name, "model");
  EXPECT_EQ((*parts)[0].data, "e");
  EXPECT_EQ((*parts)[1].content_type, "image/png");
  EXPECT_EQ((*parts)[1].data, std::string_view("\r\n--a\0\r\n-", 10));
  EXPECT_TRUE(is_form("Multipart/Form-Data ; boundary=x"));
  EXPECT_FALSE(is_form("multipart/mixed; boundary=x"));
  EXPECT_EQ(parse_form("multipart/form-data; boundary=\"b\"", part("a", "") + "--b--")->front().data, "");
}

TEST(Form, Refused) {
  std::string many;
  for (size_t i = 0; i <= domain::kFormPartsMax; ++i)
    many += part("a", "");
  const std::pair<std::string_view, std::string> rows[] = {
      {"multipart/form-data", part("a", "") + "--b--"},
      {"multipart/form-data; boundary=", part("a", "") + "--b--"},
      {kType, ""},
      {kType, "x" + part("a", "") + "--b--"},
      {kType, part("a", "")},
      {kType, part("a", "").substr(0, 20)},
      {kType, part("", "") + "--b--"},
      {kType, "--b\r\n\r\nx\r\n--b--"},
      {kType, "--b\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--b--"},
      {kType, "--b\r\nno header\r\n\r\nx\r\n--b--"},
      {kType, part("a", "") + "--b--x"},
      {kType, part("a", "") + "--bx"},
      {kType, many + "--b--"},
      {kType, "--b\r\nX: " + std::string(domain::kFormHeadBytesMax, 'x') + "\r\n\r\n\r\n--b--"},
      {kType, "--b\r\nContent-Disposition: form-data; name=a\r\n--b--"},
  };
  for (const auto& [type, body] : rows)
    EXPECT_FALSE(parse_form(type, body)) << body.substr(0, 80);
}

domain::Samples samples_of(const Result<Asked>& asked) {
  EXPECT_TRUE(asked) << asked.error().message;
  return asked ? std::get<domain::Samples>(asked->calls[0].input) : domain::Samples{};
}

TEST(Classify, ReadsEveryForm) {
  using Kind = domain::Samples::Kind;
  EXPECT_EQ(samples_of(ask_classify_text(R"({"model":"e","input":"a"})")), (domain::Samples{.kind = Kind::kText, .items = {"a"}}));
  EXPECT_EQ(samples_of(ask_classify_text(R"({"model":"e","input":["a","b"],"top":3})")), (domain::Samples{.kind = Kind::kText, .items = {"a", "b"}, .top = 3}));
  EXPECT_EQ(samples_of(ask_classify_image("e", "7", "xyz")), (domain::Samples{.kind = Kind::kImage, .items = {"xyz"}, .top = 7}));
  EXPECT_EQ(samples_of(ask_classify_form(kType, part("file", "xyz") + part("model", "e") + "--b--")),
            (domain::Samples{.kind = Kind::kImage, .items = {"xyz"}}));
}

TEST(Classify, RefusesByName) {
  const std::pair<Result<Asked>, std::string> rows[] = {
      {ask_classify_text(R"({"model":"e"})"), "input"},
      {ask_classify_text(R"({"model":"e","input":[]})"), "input"},
      {ask_classify_text(R"({"model":"e","input":"a","top":1001})"), "top"},
      {ask_classify_text(R"({"model":"e","input":"a","more":1})"), "more"},
      {ask_classify_image("", "", "x"), "model"},
      {ask_classify_image("e", "0", "x"), "top"},
      {ask_classify_form(kType, part("model", "e") + "--b--"), "file"},
      {ask_classify_form(kType, part("file", "x") + "--b--"), "model"},
      {ask_classify_form(kType, part("model", "e") + part("file", "x") + part("file", "y") + "--b--"), "file"},
      {ask_classify_form(kType, part("model", "e") + part("picture", "x") + "--b--"), "picture"},
  };
  for (const auto& [asked, param] : rows) {
    ASSERT_FALSE(asked) << param;
    EXPECT_EQ(asked.error().param, param) << asked.error().message;
  }
}

TEST(Classify, AnswersLabels) {
  const Result<Asked> asked = ask_classify_text(R"({"model":"e","input":["a","b"]})");
  asked->writer->add_labels({.labels = {{.label = "c\"at", .score = 0.75F}, {.label = "dog", .score = 0.1F}}});
  asked->writer->add_labels({});
  EXPECT_EQ(asked->writer->whole({.head = {.id = {}, .created = 0, .model = "e"}, .choices = {}, .usage = {.prompt_tokens = 4}}),
            R"({"model":"e","results":[{"labels":[{"label":"c\"at","score":0.75},{"label":"dog","score":0.1}]},{"labels":[]}],)"
            R"("usage":{"prompt_tokens":4,"total_tokens":4}})"
            "\n");
}

}  // namespace
}  // namespace ebb::wire
