// What counts as a difference.
#include "engine_llama/layout_check.h"

#include <gtest/gtest.h>

#include <cmath>

namespace ebb::engine_llama {
namespace {

std::string found(const std::function<float(const Trial&)>& last) {
  const Result<std::string> said = difference(trials(), [&](const Trial& trial) { return Result<std::vector<float>>(std::vector<float>{1, 2, last(trial)}); });
  return said ? *said : "error: " + said.error().message;
}

TEST(LayoutCheck, FindsTheLastBit) {
  EXPECT_EQ(found([](const Trial&) { return 3.0F; }), "");
  EXPECT_EQ(found([](const Trial& trial) { return trial.behind == 7 ? std::nextafter(3.0F, 4.0F) : 3.0F; }),
            "a token computed beside 7 others differs from one beside 0");
  EXPECT_EQ(found([](const Trial& trial) { return trial.before == 4 ? -0.0F : 0.0F; }), "a token computed beside 4 others differs from one beside 0");
}

TEST(LayoutCheck, TriesWhatAWorkerDoes) {
  const auto tries = [](auto&& what) { return std::ranges::any_of(trials(), what); };
  for (const int rows : {2, 3, 4, 5, 8, 18})
    EXPECT_TRUE(tries([rows](const Trial& trial) { return trial.before + trial.behind + 1 == rows; })) << rows;
  EXPECT_EQ(trials().front().before + trials().front().behind, 0);
}

TEST(LayoutCheck, AnErrorIsNoDifference) {
  const Result<std::string> said = difference(trials(), [](const Trial&) { return Result<std::vector<float>>(fail(ErrorKind::kExhausted, "no memory")); });
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().kind, ErrorKind::kExhausted);
}

}  // namespace
}  // namespace ebb::engine_llama
