// Rows of targets and patterns.
#include "gateway/target.h"

#include <gtest/gtest.h>

namespace ebb::gateway {
namespace {

TEST(Target, PathAndQuery) {
  const auto target = parse_target("/a%20b?x=1&y=a+b%2Bc&flag&=none");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/a%20b");
  EXPECT_EQ(target->find("x"), "1");
  EXPECT_EQ(target->find("y"), "a b+c");
  EXPECT_EQ(target->find("flag"), "");
  EXPECT_EQ(target->find("z"), std::nullopt);
  EXPECT_EQ(target->query.size(), 3U);
}

TEST(Target, Refused) {
  std::string many = "/?";
  for (int i = 0; i < 40; ++i)
    many += "k" + std::to_string(i) + "=1&";
  for (const std::string& text : {std::string(""), std::string("*"), std::string("http://h/"), std::string("/?a=%"), std::string("/?a=%0a"),
                                  std::string("/?%zz=1"), std::string("/?a=1&a=2"), many})
    EXPECT_FALSE(parse_target(text)) << text;
}

TEST(Target, Patterns) {
  struct Row {
    const char* pattern;
    const char* path;
    const char* first;  // the value of the first name; nullptr: no match; "-": a match without names
  };
  const Row rows[] = {
      {"/v1/models", "/v1/models", "-"},
      {"/v1/models", "/v1/models/", nullptr},
      {"/v1/models", "/v1", nullptr},
      {"/v1/models", "//v1/models", nullptr},
      {"/v1/models/{id...}", "/v1/models/chat", "chat"},
      {"/v1/models/{id...}", "/v1/models/org/chat", "org/chat"},
      {"/v1/models/{id...}", "/v1/models/org%2Fchat", "org/chat"},
      {"/v1/models/{id...}", "/v1/models/", nullptr},
      {"/v1/models/{id...}", "/v1/models", nullptr},
      {"/v1/models/{id...}", "/v1/models/%00", nullptr},
      {"/e/{name}", "/e/a", "a"},
      {"/e/{name}", "/e/a/b", nullptr},
      {"/e/{name}", "/e/a%2Fb", "a/b"},
      {"/e/{name}", "/e/", nullptr},
      {"/e/{name}/logs", "/e/a/logs", "a"},
      {"/e/{name}/logs", "/e/a", nullptr},
      {"/e/{name}/logs", "/e/a/logs/", nullptr},
      {"/e/{name}/logs", "/e/a/decisions", nullptr},
  };
  for (const Row& row : rows) {
    const auto values = match_path(row.pattern, row.path);
    ASSERT_EQ(values.has_value(), row.first != nullptr) << row.pattern << " " << row.path;
    if (values && std::string(row.first) != "-") {
      EXPECT_EQ(values->at(0).second, row.first) << row.path;
    }
  }
}

}  // namespace
}  // namespace ebb::gateway
