// `ebb invoke` against a stub server: what is a failure of the function's, and what comes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/run_for_test.h"
#include "cli/stub_server.h"

namespace ebb::cli {
namespace {

using testing::HasSubstr;

TEST(InvokeCommand, PrintsTheAnswerAndEndsByIt) {
  struct Row {
    int status;
    std::string headers;
    int code;
    std::string err;
  };
  const Row rows[] = {{200, "Ebb-Call: 1\r\n", 0, ""},
                      {418, "Ebb-Call: 1\r\n", 1, "status 418"},
                      {200, "Ebb-Call: 1\r\nX-Amz-Function-Error: Unhandled\r\n", 1, "the function failed: its answer is the error"}};
  for (const Row& row : rows) {
    const StubServer server([&row](const StubRequest&) { return StubReply{.status = row.status, .body = "its answer", .headers = row.headers}; });
    const Ran ran = run_for_test({.server = server.url()}, {"invoke", "f", "--data", "{}"});
    EXPECT_EQ(ran.code, row.code) << ran.err;
    EXPECT_EQ(ran.out, "its answer");
    EXPECT_THAT(ran.err, HasSubstr(row.err));
  }
}

}  // namespace
}  // namespace ebb::cli
