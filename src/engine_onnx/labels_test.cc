// Scores and their order.
#include "engine_onnx/labels.h"

#include <gtest/gtest.h>

#include <limits>

namespace ebb::engine_onnx {
namespace {

const std::vector<std::string> kLabels{"cat", "dog", "eel"};

TEST(Labels, TheBestComeFirst) {
  const auto best = best_labels(std::vector<float>{1, 3, 2}, wire::Scores::kNone, kLabels, 2);
  ASSERT_TRUE(best);
  EXPECT_EQ(*best, (domain::Labels{.labels = {{"dog", 3}, {"eel", 2}}}));
  EXPECT_EQ(best_labels(std::vector<float>{1, 1, 1}, wire::Scores::kNone, kLabels, 1)->labels[0].label, "cat") << "the first of equals";
  EXPECT_EQ(best_labels(std::vector<float>{1, 3, 2}, wire::Scores::kNone, kLabels, 1000)->labels.size(), 3U);
}

TEST(Labels, ScoresAreWhatTheManifestSays) {
  const auto soft = best_labels(std::vector<float>{1000, 1000, -1000}, wire::Scores::kSoftmax, kLabels, 3);
  EXPECT_FLOAT_EQ(soft->labels[0].score, 0.5F);
  EXPECT_FLOAT_EQ(soft->labels[2].score, 0);
  EXPECT_FLOAT_EQ(best_labels(std::vector<float>{0, -1, -1}, wire::Scores::kSigmoid, kLabels, 1)->labels[0].score, 0.5F);
}

TEST(Labels, RefusesOtherNumbers) {
  EXPECT_EQ(best_labels(std::vector<float>{1, 2}, wire::Scores::kNone, kLabels, 1).error().kind, ErrorKind::kInternal);
  EXPECT_EQ(best_labels(std::vector<float>{1, 2, std::numeric_limits<float>::quiet_NaN()}, wire::Scores::kNone, kLabels, 1).error().kind, ErrorKind::kInternal);
}

TEST(Labels, AreReadByLine) {
  EXPECT_EQ(*read_labels(std::string_view("cat\r\ndog\neel")), kLabels);
  for (const std::string& bad : {std::string(), std::string("a\n\nb\n"), std::string(300, 'x'), std::string("\xFF")})
    EXPECT_FALSE(read_labels(bad)) << bad;
}

}  // namespace
}  // namespace ebb::engine_onnx
