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

TEST(JsonPattern, WhatMayBeEmptyIsNotRepeatedWithoutMeasure) {
  const std::pair<const char*, bool> rows[] = {
      {"^(a?){64}$", true},
      {"^(a?){65}$", false},
      {"^((a?){8}){8}$", true},
      {"^((a?){40}){40}$", false},
      {"^((a|b)?){500}$", false},
      {"^([a-z]?[a-z]?){400}$", false},
      {"^([a-z]{0,30}[0-9]?){0,60}$", false},
      {"^(((a*)){20}){20}$", false},
      {"^(a*)*$", true},
      {"^([a-z]{1,30}){30,60}$", true},
      {"^[a-z]{0,1000}$", true},
      {"^[a-z]*-[a-z]*-[a-z]{2,1000}$", true},
      {"^(a|bb|ccc){1000}$", true},
      {"^(a?b){1000}$", true},
      {"^(a?b?){33}$", false},
      {"(x?y?){40}z", false},
      {"^((((a{1,500}){1,500}){1,500}){1,500})$", false},
      {"^(a{1,45}){1,45}$", false},
      {"^((a{1,500})+){1,500}$", false},
      {"^(a{1,40}){1,40}$", true},
      {"^(a{500}){500}$", true},
      {"^([a-z]{1,9} ){1,9}[a-z]{0,1000}$", true},
  };
  for (const auto& [pattern, accepted] : rows)
    EXPECT_EQ(holdable_pattern(pattern).has_value(), accepted) << pattern;
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
