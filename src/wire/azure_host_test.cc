// Rows of host.json.
#include "wire/azure_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ebb::wire {
namespace {

TEST(AzureHost, IsRead) {
  const auto handler = parse_azure_host(R"({"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"python3","arguments":["app.py","-v"],
      "workingDirectory":"src"},"enableProxyingHttpRequest":true},"extensionBundle":{}})");
  ASSERT_TRUE(handler) << handler.error().message;
  EXPECT_THAT(handler->argv, testing::ElementsAre("python3", "app.py", "-v"));
  EXPECT_EQ(handler->working_directory, "src");
  EXPECT_TRUE(handler->proxy_calls);
  const auto least = parse_azure_host(R"({"customHandler":{"description":{"defaultExecutablePath":"./handler"}}})");
  ASSERT_TRUE(least);
  EXPECT_THAT(least->argv, testing::ElementsAre("./handler"));
  EXPECT_FALSE(least->proxy_calls);
}

TEST(AzureHost, WhatIsNone) {
  for (const char* bad :
       {"", "[]", "{}", R"({"customHandler":1})", R"({"customHandler":{}})", R"({"customHandler":{"description":{"defaultExecutablePath":""}}})",
        R"({"customHandler":{"description":{"defaultExecutablePath":"a","arguments":[1]}}})",
        R"({"customHandler":{"enableProxyingHttpRequest":"yes","description":{"defaultExecutablePath":"a"}}})"}) {
    const auto handler = parse_azure_host(bad);
    ASSERT_FALSE(handler) << bad;
    EXPECT_EQ(handler.error().kind, ErrorKind::kInvalid);
  }
}

}  // namespace
}  // namespace ebb::wire
