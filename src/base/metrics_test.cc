// Series are made once, appear in the text, go away when they are removed, and cannot grow without bound.
#include "base/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ebb {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Metrics, CountsAndWritesText) {
  Metrics metrics;
  auto calls = metrics.counters("ebb_calls_total", "Calls.");
  calls.at({{"endpoint", "chat"}}).Increment();
  calls.at({{"endpoint", "chat"}}).Increment();
  auto waits = metrics.histograms("ebb_wait_seconds", "Waits.", {0.1, 1});
  waits.at({}).Observe(0.5);
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("# TYPE ebb_calls_total counter\nebb_calls_total{endpoint=\"chat\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("ebb_wait_seconds_bucket{le=\"1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("ebb_wait_seconds_bucket{le=\"+Inf\"} 1\n"));
}

TEST(Metrics, RemovesSeries) {
  Metrics metrics;
  auto calls = metrics.counters("ebb_calls_total", "Calls.");
  calls.at({{"endpoint", "a"}}).Increment();
  calls.at({{"endpoint", "b"}}).Increment();
  calls.remove_if([](const Labels& labels) { return labels.at("endpoint") == "a"; });
  EXPECT_THAT(metrics.text(), Not(HasSubstr("endpoint=\"a\"")));
  EXPECT_THAT(metrics.text(), HasSubstr("endpoint=\"b\""));
  calls.at({{"endpoint", "a"}}).Increment();
  EXPECT_THAT(metrics.text(), HasSubstr("ebb_calls_total{endpoint=\"a\"} 1\n"));
}

TEST(Metrics, AreBounded) {
  Metrics metrics;
  auto calls = metrics.counters("ebb_calls_total", "Calls.");
  for (size_t i = 0; i < kSeriesMax + 1000; ++i)
    calls.at({{"endpoint", std::to_string(i)}}).Increment();
  EXPECT_EQ(calls.size(), kSeriesMax + 1);
  EXPECT_EQ(calls.at({{"endpoint", "new"}}).Value(), 1000);
}

}  // namespace
}  // namespace ebb
