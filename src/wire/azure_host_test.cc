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
  EXPECT_TRUE(handler->forwards);
  const auto least = parse_azure_host(R"({"customHandler":{"description":{"defaultExecutablePath":"./handler"}}})");
  ASSERT_TRUE(least);
  EXPECT_THAT(least->argv, testing::ElementsAre("./handler"));
  EXPECT_FALSE(least->forwards);
  EXPECT_EQ(least->prefix, "api");
  const auto plain = parse_azure_host(R"({"customHandler":{"description":{"defaultExecutablePath":"a"},"enableForwardingHttpRequest":true},
      "extensions":{"http":{"routePrefix":""}}})");
  ASSERT_TRUE(plain);
  EXPECT_TRUE(plain->forwards);
  EXPECT_EQ(plain->prefix, "");
}

TEST(AzureHost, WhatIsNone) {
  for (const char* bad :
       {"", "[]", "{}", R"({"customHandler":1})", R"({"customHandler":{}})", R"({"customHandler":{"description":{"defaultExecutablePath":""}}})",
        R"({"customHandler":{"description":{"defaultExecutablePath":"a","arguments":[1]}}})",
        R"({"customHandler":{"description":{"defaultExecutablePath":"a","arguments":["b\u0000c"]}}})",
        R"({"customHandler":{"description":{"defaultExecutablePath":"a"}},"extensions":{"http":{"routePrefix":"{x"}}})",
        R"({"customHandler":{"enableProxyingHttpRequest":"yes","description":{"defaultExecutablePath":"a"}}})"}) {
    const auto handler = parse_azure_host(bad);
    ASSERT_FALSE(handler) << bad;
    EXPECT_EQ(handler.error().kind, ErrorKind::kInvalid);
  }
}

TEST(AzureFunction, IsRead) {
  const auto route = parse_azure_function("Orders", R"({"bindings":[{"type":"httpTrigger","direction":"in","name":"message","route":"/orders/{id:int}/{item?}",
      "methods":["get","Post"],"authLevel":"anonymous"},{"type":"http","direction":"out","name":"$return"}]})");
  ASSERT_TRUE(route) << route.error().message;
  ASSERT_TRUE(*route);
  EXPECT_EQ(**route,
            (domain::AzureRoute{.function = "Orders", .path = "orders/{id:int}/{item?}", .methods = {"GET", "POST"}, .input = "message", .output = "$return"}));
  const auto plain = parse_azure_function("f", R"({"bindings":[{"type":"httpTrigger","name":"req"},{"type":"http","name":"res"}]})");
  ASSERT_TRUE(plain && *plain);
  EXPECT_EQ((*plain)->path, "f");
  for (const char* other : {"{}", R"({"bindings":[]})", R"({"bindings":[{"type":"queueTrigger","name":"q"}]})"}) {
    const auto none = parse_azure_function("f", other);
    EXPECT_TRUE(none && !*none) << other;
  }
}

TEST(AzureFunction, WhatIsNone) {
  for (const char* bad :
       {"", "[]", R"({"bindings":{}})", R"({"bindings":[1]})", R"({"bindings":[{"type":"httpTrigger"}]})",
        R"({"bindings":[{"type":"httpTrigger","name":"r","route":"a//b"}]})", R"({"bindings":[{"type":"httpTrigger","name":"r","route":"a{b}"}]})",
        R"({"bindings":[{"type":"httpTrigger","name":"r","methods":["a b"]}]})"})
    EXPECT_FALSE(parse_azure_function("f", bad)) << bad;
  for (const char* name : {"", "1a", "a.b", "..", "a/b"})
    EXPECT_FALSE(is_azure_function_name(name)) << name;
  EXPECT_TRUE(is_azure_function_name("Get-Order_1"));
}

}  // namespace
}  // namespace ebb::wire
