// No field can forge a line or a key.
#include "base/log.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace ebb {
namespace {

TEST(Log, TextQuotesWhatIsNotPlain) {
  EXPECT_EQ(format_log_text("ready", {{"worker", "w1"}, {"ms", 12}, {"share", 0.5}}), "ready worker=w1 ms=12 share=0.500");
  EXPECT_EQ(format_log_text("x", {{"why", "a b\nlevel=error"}}), R"(x why="a b\nlevel=error")");
  EXPECT_EQ(format_log_text("x", {{"why", ""}}), "x") << "a field that has nothing to say is left out";
}

TEST(Log, JsonIsJsonAndNumbersAreReadable) {
  const std::string line = format_log_json("a \"b\"", {{"why", "c\nd"}, {"ms", 0.411066}, {"n", 3}});
  EXPECT_EQ(line, R"({"msg":"a \"b\"","why":"c\nd","ms":0.411,"n":3})");
  EXPECT_TRUE(parse_json(line));
}

}  // namespace
}  // namespace ebb
