// Each kind of fact, in words.
#include "control/fact.h"

#include <gtest/gtest.h>

namespace ebb::control {
namespace {

TEST(Fact, HasItsUnit) {
  struct Row {
    Fact fact;
    std::string_view words;
  };
  const std::vector<Row> rows{
      {int64_t{3}, "3"},
      {nanoseconds(84'400'000), "84 ms"},
      {nanoseconds(seconds(9)), "9000 ms"},
      {nanoseconds(milliseconds(12'440)), "12.4 s"},
      {nanoseconds(seconds(1'080)), "18 min"},
      {nanoseconds(seconds(11'520)), "3.2 h"},
      {nanoseconds(seconds(864'000)), "10.0 days"},
      {Bytes{251ULL << 20U}, "251 MiB"},
      {Of{1, 4}, "1 of 4"},
      {Change{2, 4}, "2 to 4"},
      {Chance{0.8}, "80 %"},
      {Text("warm"), "warm"},
      {Text(std::string("made")), "made"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(words(row.fact), row.words);
}

}  // namespace
}  // namespace ebb::control
