// Rows of output and what becomes of it.
#include "function/log_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/limits.h"

namespace ebb::function {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
constexpr MonoTime kNow{seconds(1000)};

TEST(LogLines, AreEndedByNewlinesAndByTheEnd) {
  LogLines log;
  EXPECT_THAT(log.feed("one\r\n\ntw", kNow), ElementsAre("one"));
  EXPECT_THAT(log.feed("o\nthree", kNow), ElementsAre("two"));
  EXPECT_EQ(log.last_words(), "two");
  EXPECT_THAT(log.end(), ElementsAre("three"));
  EXPECT_THAT(log.end(), IsEmpty());
  EXPECT_EQ(log.last_words(), "three");
}

TEST(LogLines, OneMessageOfSeveralLines) {
  LogLines log;
  EXPECT_THAT(log.feed("[ERROR] bad event\rTraceback:\r  line 3\n", kNow), ElementsAre("[ERROR] bad event", "Traceback:", "  line 3"));
}

TEST(LogLines, LongOnesAreCut) {
  LogLines log;
  const std::string cut(domain::kFunctionLogLineBytesMax, 'x');
  EXPECT_THAT(log.feed(cut + cut + "y\n", kNow), ElementsAre(cut, cut, "y"));
}

TEST(LogLines, InvalidBytesAreReplaced) {
  LogLines log;
  EXPECT_THAT(log.feed("a\xff\n", kNow), ElementsAre("a\xEF\xBF\xBD"));
}

TEST(LogLines, ManyAreCounted) {
  LogLines log;
  std::string flood;
  for (int i = 0; i < domain::kFunctionLogLinesPerSecondMax + 5; ++i)
    flood += "x\n";
  EXPECT_EQ(log.feed(flood, kNow).size(), domain::kFunctionLogLinesPerSecondMax);
  EXPECT_THAT(log.feed("y\n", kNow + milliseconds(999)), IsEmpty());
  EXPECT_THAT(log.feed("z\n", kNow + seconds(1)), ElementsAre("(6 lines were left out: more than 200 in a second)", "z"));
}

}  // namespace
}  // namespace ebb::function
