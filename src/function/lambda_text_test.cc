// Rows of Lambda's small texts.
#include "function/lambda_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/limits.h"

namespace ebb::function {
namespace {

using testing::ElementsAre;
using testing::Pair;
using What = RuntimePath::What;

TEST(RuntimePaths, Rows) {
  struct Row {
    const char* method;
    const char* target;
    What what;
    const char* id = "";
  };
  const Row rows[] = {
      {"GET", "/2018-06-01/runtime/invocation/next", What::kNext},
      {"POST", "/2018-06-01/runtime/invocation/next", What::kOther},
      {"POST", "/2018-06-01/runtime/invocation/a-b/response", What::kResponse, "a-b"},
      {"POST", "/2018-06-01/runtime/invocation//response", What::kResponse, ""},
      {"POST", "/2018-06-01/runtime/invocation/a/error?x=1", What::kError, "a"},
      {"GET", "/2018-06-01/runtime/invocation/a/error", What::kOther},
      {"POST", "/2018-06-01/runtime/invocation/a/b/error", What::kOther},
      {"POST", "/2018-06-01/runtime/init/error", What::kInitError},
      {"GET", "/2018-06-01/runtime/restore/next", What::kOther},
      {"GET", "/ping", What::kPing},
      {"GET", "/", What::kOther},
  };
  for (const Row& row : rows) {
    const RuntimePath path = runtime_path(row.method, row.target);
    EXPECT_EQ(path.what, row.what) << row.method << " " << row.target;
    EXPECT_EQ(path.id, row.id) << row.method << " " << row.target;
  }
}

TEST(ErrorTypes, Rows) {
  EXPECT_EQ(error_type_of("Runtime.ExitError"), "Runtime.ExitError");
  EXPECT_EQ(error_type_of("Function.MyReason"), "Function.MyReason");
  EXPECT_EQ(error_type_of("Function.bad reason"), "Function.Unknown");
  EXPECT_EQ(error_type_of("Function.Bad-Reason"), "Function.Unknown");
  for (const char* other : {"", "ValueError", "Runtime.", "Runtime.x", "Runtime.A", "Extension.Crash"})
    EXPECT_EQ(error_type_of(other), "Runtime.Unknown") << other;
}

TEST(ErrorTexts, Rows) {
  EXPECT_EQ(error_json("A.B", "say \"x\""), R"({"errorMessage":"say \"x\"","errorType":"A.B"})");
  EXPECT_EQ(error_sentence(R"({"errorMessage":"no module","errorType":"ImportError"})", "Runtime.Unknown"), "ImportError: no module");
  EXPECT_EQ(error_sentence("plain", "Runtime.Unknown"), "Runtime.Unknown: plain");
}

TEST(Uuid, HasItsVersion) {
  EXPECT_EQ(uuid_of(0x0123456789abcdef, 0xfedcba9876543210), "01234567-89ab-4def-bedc-ba9876543210");
  EXPECT_EQ(uuid_of(0, 0), "00000000-0000-4000-8000-000000000000");
}

TEST(XrayTrace, Rows) {
  EXPECT_EQ(xray_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1");
  EXPECT_EQ(xray_trace("nonsense"), "");
}

TEST(ClientContext, Rows) {
  EXPECT_EQ(*decode_client_context("eyJhIjoxfQ=="), R"({"a":1})");
  EXPECT_EQ(*decode_client_context("eyJhIjoxMn0="), R"({"a":12})");
  EXPECT_EQ(*decode_client_context("eyJhIjoxMjN9"), R"({"a":123})");
  for (const std::string& bad :
       {std::string(), std::string("{}"), std::string("eyJhIjoxfQ"), std::string("eyJhIjoxfQ=!"), std::string("e===") /* too much padding */,
        std::string("bm8ganNvbg=="), std::string("eyIKIjoxfQ==") /* a newline in it */, std::string(domain::kLambdaClientContextBytesMax + 1, 'e')})
    EXPECT_FALSE(decode_client_context(bad)) << bad;
}

TEST(Prelude, InAnyPieces) {
  const std::string whole =
      R"({"statusCode":201,"headers":{"Content-Type":"text/html","X-N":3,"Connection":"close"},"cookies":["a=b"]})" + std::string(8, '\0') + "body\0x";
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    PreludeReader reader;
    auto head = reader.feed(std::string_view(whole).substr(0, cut));
    ASSERT_TRUE(head) << head.error().message;
    std::string rest(head->has_value() ? reader.rest() : "");
    if (!head->has_value()) {
      head = reader.feed(std::string_view(whole).substr(cut));
      rest = reader.rest();
    } else {
      rest += whole.substr(cut);
    }
    ASSERT_TRUE(head && head->has_value()) << cut;
    EXPECT_EQ((*head)->status, 201);
    EXPECT_THAT((*head)->headers, ElementsAre(Pair("Content-Type", "text/html"), Pair("X-N", "3"), Pair("Set-Cookie", "a=b")));
    EXPECT_EQ(rest, "body");
  }
}

TEST(ExitWords, Rows) {
  using End = container::EndOfFunction;
  EXPECT_EQ(exit_words({.why = End::Why::kExit, .code = 3}), "exit status 3");
  EXPECT_EQ(exit_words({.why = End::Why::kOutOfPids, .code = 1, .detail = "x"}), "exit status 1");
  EXPECT_EQ(exit_words({.why = End::Why::kSignal, .signal = 9}), "signal: killed");
  EXPECT_EQ(exit_words({.why = End::Why::kSignal, .signal = 11}), "signal: 11");
  EXPECT_EQ(exit_words({.why = End::Why::kOutOfMemory, .signal = 9, .detail = "out of memory"}), "out of memory");
}

TEST(Prelude, WhatIsNone) {
  const std::string zeros(8, '\0');
  for (const std::string& bad :
       {zeros, "no json" + zeros, "[]" + zeros, R"({"statusCode":99})" + zeros, R"({"statusCode":"200"})" + zeros, R"({"headers":{"a b":"c"}})" + zeros,
        R"({"headers":{"a":"b\nc: d"}})" + zeros, R"({"headers":{"a":[]}})" + zeros, std::string(domain::kHttpHeaderBytesMax + 1, ' ')}) {
    PreludeReader reader;
    const auto head = reader.feed(bad);
    ASSERT_FALSE(head) << bad.substr(0, 50);
    EXPECT_EQ(head.error().code, "function_bad_answer");
  }
  EXPECT_TRUE(PreludeReader().feed("{}" + zeros)->has_value());
}

}  // namespace
}  // namespace ebb::function
