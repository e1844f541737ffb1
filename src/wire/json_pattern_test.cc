// What a pattern becomes; the real proof, that answers under it are JSON, is in the engine's tests.
#include "wire/json_pattern.h"

#include <gtest/gtest.h>

namespace ebb::wire {
namespace {

TEST(JsonPattern, IsRewrittenForTheInsideOfAString) {
  const std::string any = R"([^"\\\x00-\x1F])";
  const std::pair<const char*, std::string> rows[] = {
      {"^abc$", "^abc$"},
      {"abc", "^" + any + "*abc" + any + "*$"},
      {"^a|b", "^(a|b)" + any + "*$"},
      {"^(a|b)$", "^(a|b)$"},
      {"^(?:a)$", "^(a)$"},
      {"^.+$", "^" + any + "+$"},
      {R"(^\d{3}-\w*\s$)", "^[0-9]{3}-[A-Za-z0-9_]*[ ]$"},
      {R"(^[^@]+$)", R"(^[^@"\\\x00-\x1F]+$)"},
      {R"(^[a-z\d_.-]$)", R"(^[a-z0-9_.\x2D]$)"},
      {R"(^[^"\\]$)", R"(^[^"\\\x00-\x1F]$)"},
      {R"(^\.\/\$$)", "^[.][/][$]$"},
      {R"(^a\$)", "^a[$]" + any + "*$"},
      {R"(^[\]a]$)", R"(^[\x5Da]$)"},
  };
  for (const auto& [pattern, expected] : rows) {
    const auto got = holdable_pattern(pattern);
    ASSERT_TRUE(got) << pattern << ": " << got.error().message;
    EXPECT_EQ(*got, expected) << pattern;
  }
}

TEST(JsonPattern, WhatCannotBeHeldToIsRefused) {
  const std::string rows[] = {"(?=a)",
                              "(?<n>a)",
                              R"(\bword\b)",
                              R"((a)\1)",
                              "a^b",
                              "a\"b",
                              "a\nb",
                              R"(a\\b)",
                              R"([ -~])",
                              R"(["])",
                              "(a",
                              "a)",
                              "[a",
                              "[]",
                              "a{1,1001}",
                              "a{x}",
                              "a{5,3}",
                              "a{,3}",
                              "a{}",
                              "a{1,2,3}",
                              "[ -\xC3\xBF]",
                              "a{1",
                              R"(a\)",
                              std::string(257, 'a'),
                              std::string(17, '(') + std::string(17, ')')};
  for (const std::string& pattern : rows)
    EXPECT_FALSE(holdable_pattern(pattern)) << pattern;
}

}  // namespace
}  // namespace ebb::wire
