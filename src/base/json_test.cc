// Rows of texts that the strict parser takes and refuses, and of fields that the reader does.
#include "base/json.h"

#include <gtest/gtest.h>

namespace ebb {
namespace {

TEST(ParseJson, Rows) {
  struct Row {
    const char* name;
    std::string text;
    bool accepted;
  };
  const Row rows[] = {
      {"an object", R"({"a": [1, 2.5, "x", null, true]})", true},
      {"white space around", " \n{}\t", true},
      {"nothing", "", false},
      {"cut", R"({"a": )", false},
      {"text after the value", "{} x", false},
      {"two values", "{}{}", false},
      {"NaN", R"({"a": NaN})", false},
      {"a trailing comma", "[1,]", false},
      {"invalid UTF-8", "\"\xff\"", false},
      {"a lone surrogate", R"("\ud800")", false},
      {"a bare control character", "\"\x01\"", false},
      {"nesting at the limit", std::string(kJsonDepthMax, '[') + std::string(kJsonDepthMax, ']'), true},
      {"nesting of 10,000", std::string(10'000, '['), false},
  };
  for (const Row& row : rows) {
    const Result<json::value> value = parse_json(row.text);
    EXPECT_EQ(value.has_value(), row.accepted) << row.name;
    if (!value) {
      EXPECT_EQ(value.error().kind, ErrorKind::kInvalid) << row.name;
    }
  }
}

TEST(ParseJson, SaysWhere) {
  const Result<json::value> value = parse_json(R"({"a": x})");
  ASSERT_FALSE(value);
  EXPECT_NE(value.error().message.find("at byte 6"), std::string::npos) << value.error().message;
}

TEST(ObjectReader, ReadsAndNamesWhatIsWrong) {
  struct Row {
    const char* text;
    const char* param;  // of the error; null: fine
  };
  const Row rows[] = {
      {R"({"count": 3, "rate": 0.5, "name": "x"})", nullptr},
      {R"({"count": 3.0, "name": "x"})", nullptr},
      {R"({"count": null, "name": "x"})", nullptr},
      {R"({"count": 3.5, "name": "x"})", "p.count"},
      {R"({"count": 11, "name": "x"})", "p.count"},
      {R"({"count": -1, "name": "x"})", "p.count"},
      {R"({"count": 1e300, "name": "x"})", "p.count"},
      {R"({"count": 99999999999999999999, "name": "x"})", "p.count"},
      {R"({"count": "3", "name": "x"})", "p.count"},
      {R"({"rate": 2, "name": "x"})", "p.rate"},
      {R"({"rate": true, "name": "x"})", "p.rate"},
      {R"({"name": 3})", "p.name"},
      {R"({})", "p.name"},
      {R"({"name": "x", "nmae": 1})", "p.nmae"},
      {R"([])", "p"},
  };
  for (const Row& row : rows) {
    const json::value value = *parse_json(row.text);
    ObjectReader reader(value, "p");
    (void)reader.integer("count", 0, 10);
    (void)reader.number("rate", 0, 1);
    (void)reader.required_string("name");
    reader.refuse_unknown({"count", "rate", "name"});
    EXPECT_EQ(reader.ok(), row.param == nullptr) << row.text;
    if (!reader.ok() && row.param != nullptr) {
      EXPECT_EQ(reader.error().param, row.param) << row.text;
    }
  }
}

}  // namespace
}  // namespace ebb
