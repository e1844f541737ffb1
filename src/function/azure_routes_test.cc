// Rows: which function a request means.
#include "function/azure_routes.h"

#include <gtest/gtest.h>

namespace ebb::function {
namespace {

// "FUNCTION PATH QUERY name=value…", or the error's code.
std::string of(const domain::FunctionStart& start, const char* method, const char* target) {
  const Result<AzureTarget> found = azure_target(start, method, target);
  if (!found) return found.error().code;
  std::string text = found->function + " " + found->path;
  if (!found->query.empty()) text += " ?" + found->query;
  for (const auto& [name, value] : found->params)
    text += " " + name + "=" + value;
  return text;
}

TEST(AzureRoutes, OfAnAppThatSaysNothing) {
  const domain::FunctionStart start{.name = "resize"};
  EXPECT_EQ(of(start, "GET", "/"), "resize /api/resize");
  EXPECT_EQ(of(start, "GET", "/?a=1&b=x%20y"), "resize /api/resize ?a=1&b=x%20y");
  EXPECT_EQ(of(start, "GET", "/api/other"), "other /api/other");
  EXPECT_EQ(of(start, "GET", "/other"), "other /other");
  EXPECT_EQ(of({.name = "resize", .call_path = "/Thumbnail"}, "GET", "/"), "Thumbnail /api/Thumbnail");
}

TEST(AzureRoutes, OfAnAppWithRoutes) {
  const domain::FunctionStart app{.name = "shop",
                                  .routes = {{.function = "List", .path = "orders", .methods = {"GET"}},
                                             {.function = "Add", .path = "orders", .methods = {"POST"}},
                                             {.function = "Get", .path = "orders/{id}/{item?}"},
                                             {.function = "Latest", .path = "orders/latest"},
                                             {.function = "Files", .path = "files/{*path}"},
                                             {.function = "Shop", .path = "Shop"}}};
  const struct {
    const char* method;
    const char* target;
    const char* expected;
  } rows[] = {
      {"GET", "/api/orders", "List /api/orders"},
      {"POST", "/api/orders?x", "Add /api/orders ?x"},
      {"PUT", "/api/orders", "no_such_function"},
      {"GET", "/api/orders/7", "Get /api/orders/7 id=7"},
      {"GET", "/API/Orders/7/", "Get /API/Orders/7/ id=7"},
      {"GET", "/api/orders/a%20b/c", "Get /api/orders/a%20b/c id=a b item=c"},
      {"GET", "/api/orders/7/8/9", "no_such_function"},
      {"GET", "/api/orders/latest", "Latest /api/orders/latest"},
      {"GET", "/api/files/a/b.txt", "Files /api/files/a/b.txt path=a/b.txt"},
      {"GET", "/", "Shop /api/Shop"},
      {"GET", "/list", "List /api/orders"},
      {"GET", "/orders", "no_such_function"},
      {"GET", "/apiorders", "no_such_function"},
      {"GET", "/api", "no_such_function"},
  };
  for (const auto& row : rows)
    EXPECT_EQ(of(app, row.method, row.target), row.expected) << row.method << " " << row.target;
  EXPECT_NE(azure_target(app, "GET", "/none").error().message.find("/api/orders/{id}"), std::string::npos);
}

TEST(AzureRoutes, WithoutAPrefix) {
  const domain::FunctionStart app{.name = "any", .route_prefix = "", .routes = {{.function = "All", .path = "{*path}", .input = "in", .output = "$return"}}};
  EXPECT_EQ(of(app, "GET", "/a/b?c=d"), "All /a/b ?c=d path=a/b");
  EXPECT_EQ(of(app, "GET", "/"), "All / path=");
  EXPECT_EQ(azure_target(app, "GET", "/")->output, "$return");
}

}  // namespace
}  // namespace ebb::function
