// Buckets, and what fades.
#include "domain/gap_histogram.h"

#include <gtest/gtest.h>

namespace ebb::domain {
namespace {

GapHistogram each(nanoseconds gap, int times) {
  GapHistogram histogram;
  for (int i = 0; i < times; ++i)
    histogram.add(gap, 0.98);
  return histogram;
}

TEST(GapHistogram, BucketsMeetAndWiden) {
  for (size_t i = 0; i + 1 < GapHistogram::buckets(); ++i) {
    EXPECT_EQ(GapHistogram::begin_of(i) + GapHistogram::width_of(i), GapHistogram::begin_of(i + 1));
    EXPECT_EQ(GapHistogram::bucket_of(GapHistogram::begin_of(i)), i);
    EXPECT_EQ(GapHistogram::bucket_of(GapHistogram::begin_of(i + 1) - nanoseconds(1)), i);
  }
  EXPECT_EQ(GapHistogram::bucket_of(nanoseconds(-5)), 0);
  EXPECT_EQ(GapHistogram::bucket_of(std::chrono::hours(24 * 400)), GapHistogram::buckets() - 1);
}

TEST(GapHistogram, OlderGapsFadeAndManyDoNotOverflow) {
  GapHistogram histogram = each(seconds(60), 100);
  histogram.add(seconds(3600), 0.98);
  EXPECT_NEAR(histogram.weight(GapHistogram::bucket_of(seconds(3600))), 0.5, 1e-9) << "the rest is beside it";
  for (int i = 0; i < 100'000; ++i)
    histogram.add(seconds(600), 0.98);
  EXPECT_NEAR(histogram.total(), 50, 0.1);
  EXPECT_LT(histogram.weight(GapHistogram::bucket_of(seconds(60))), 1e-9);
}

}  // namespace
}  // namespace ebb::domain
