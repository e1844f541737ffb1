// Schemas of people, and schemas that a grammar would be lost in.
#include "wire/json_alternatives.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "domain/limits.h"

namespace ebb::wire {
namespace {

std::optional<size_t> count(std::string_view schema) {
  const Result<json::value> value = parse_json(schema);
  EXPECT_TRUE(value) << schema;
  return alternatives_at_once(*value, domain::kSchemaAlternativesMax);
}

// Arrays of either of two arrays, so many deep.
std::string nested(int depth) {
  std::string schema = R"({"type":"string"})";
  for (int i = 0; i < depth; ++i)
    schema = fmt::format(R"({{"anyOf":[{{"type":"array","items":{0}}},{{"type":"array","minItems":1,"items":{0}}}]}})", schema);
  return schema;
}

TEST(JsonAlternatives, Rows) {
  struct Row {
    const char* what;
    std::string schema;
    std::optional<size_t> count;
  };
  const Row rows[] = {
      {"plain", R"({"type":"object","properties":{"a":{"type":"array","items":{"type":"integer"}}}})", 1},
      {"anything", "{}", 1},
      {"a list by recursion", R"({"type":"object","required":["next"],"properties":{"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}}})", 1},
      {"a tree by recursion", R"({"$ref":"#/$defs/n","$defs":{"n":{"type":"object","required":["l","r"],"properties":{
          "l":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]},"r":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}}}}})",
       1},
      {"told apart by their first property", R"({"$defs":{"e":{"anyOf":[
          {"type":"object","required":["op","of"],"properties":{"op":{"const":"not"},"of":{"$ref":"#/$defs/e"}}},
          {"type":"object","required":["op","all"],"properties":{"op":{"const":"and"},"all":{"type":"array","items":{"$ref":"#/$defs/e"}}}},
          {"type":"object","required":["op","any"],"properties":{"op":{"enum":["or","xor"]},"any":{"type":"array","items":{"$ref":"#/$defs/e"}}}}]}},
          "$ref":"#/$defs/e"})",
       3},
      {"told apart by the names of their properties", R"({"$defs":{"e":{"anyOf":[
          {"type":"object","required":["not"],"properties":{"not":{"$ref":"#/$defs/e"}}},
          {"type":"object","required":["and"],"properties":{"and":{"$ref":"#/$defs/e"}}}]}},"$ref":"#/$defs/e"})",
       2},
      {"told apart by nothing", R"({"$defs":{"e":{"anyOf":[
          {"type":"object","required":["a"],"properties":{"a":{"$ref":"#/$defs/e"},"x":{"type":"integer"}}},
          {"type":"object","required":["a"],"properties":{"a":{"$ref":"#/$defs/e"}}}]}},"$ref":"#/$defs/e"})",
       std::nullopt},
      {"told apart after they nested", R"({"$defs":{"e":{"anyOf":[
          {"type":"object","required":["a","op"],"properties":{"a":{"$ref":"#/$defs/e"},"op":{"const":"x"}}},
          {"type":"object","required":["a","op"],"properties":{"a":{"$ref":"#/$defs/e"},"op":{"const":"y"}}}]}},"$ref":"#/$defs/e"})",
       std::nullopt},
      {"alike by what may be left out", R"({"$defs":{"e":{"anyOf":[
          {"type":"object","properties":{"a":{"$ref":"#/$defs/e"}}},{"type":"object","properties":{"b":{},"a":{"$ref":"#/$defs/e"}}}]}},"$ref":"#/$defs/e"})",
       std::nullopt},
      {"arrays in arrays", nested(3), 8},
      {"arrays in arrays, too deep", nested(12), std::nullopt},
      {"anything beside a list of itself", R"({"anyOf":[{},{"type":"array","items":{"$ref":"#"}}]})", 2},
      {"a union of itself", R"({"anyOf":[{"$ref":"#"},{"type":"null"}]})", 1},
      {"types in a list", R"({"type":["array","null"],"items":{"$ref":"#"}})", 1},
      {"many values", R"({"enum":["a","b","c","d"]})", 1},
      {"a reference to itself", R"({"$ref":"#"})", 1},
      {"a reference that leads nowhere", R"({"$ref":"#/x/y"})", 1},
  };
  for (const Row& row : rows)
    EXPECT_EQ(count(row.schema), row.count) << row.what;
}

TEST(JsonAlternatives, LosesNoTime) {
  // As many members in as many objects as a schema may have, all alike until the last.
  std::string members;
  std::string required;
  for (int i = 0; i < 30; ++i) {
    members += fmt::format(R"("m{}":{{"$ref":"#"}},)", i);
    required += fmt::format(R"("m{}",)", i);
  }
  std::string schema = R"({"anyOf":[)";
  for (int i = 0; i < 60; ++i)
    schema += fmt::format(R"({}{{"type":"object","properties":{{{}"last":{{"const":{}}}}},"required":[{}"last"]}})", i == 0 ? "" : ",", members, i, required);
  EXPECT_EQ(count(schema + "]}"), std::nullopt);
}

}  // namespace
}  // namespace ebb::wire
