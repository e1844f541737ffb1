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
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("# TYPE ebb_calls_total counter\nebb_calls_total{endpoint=\"chat\"} 2\n"));
}

TEST(Metrics, WritesHistograms) {
  Metrics metrics;
  HistogramFamily& waits = metrics.histograms("ebb_wait_seconds", "Waits.", {0.125, 1}, {{"kind", "x"}});
  EXPECT_THAT(metrics.text(), Not(HasSubstr("ebb_wait_seconds")));
  for (const double value : {0.0625, 0.125, 0.5, 2.0})
    waits.observe({{"endpoint", "chat"}}, value);
  EXPECT_EQ(metrics.text(),
            "# HELP ebb_wait_seconds Waits.\n"
            "# TYPE ebb_wait_seconds histogram\n"
            "ebb_wait_seconds_count{kind=\"x\",endpoint=\"chat\"} 4\n"
            "ebb_wait_seconds_sum{kind=\"x\",endpoint=\"chat\"} 2.6875\n"
            "ebb_wait_seconds_bucket{kind=\"x\",endpoint=\"chat\",le=\"0.125\"} 2\n"
            "ebb_wait_seconds_bucket{kind=\"x\",endpoint=\"chat\",le=\"1\"} 3\n"
            "ebb_wait_seconds_bucket{kind=\"x\",endpoint=\"chat\",le=\"+Inf\"} 4\n");
  waits.remove_if([](const Labels& labels) { return labels.at("endpoint") == "chat"; });
  EXPECT_EQ(waits.size(), 0U);
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
  HistogramFamily& waits = metrics.histograms("ebb_wait_seconds", "Waits.", {1});
  for (size_t i = 0; i < kSeriesMax + 1000; ++i)
    waits.observe({{"endpoint", std::to_string(i)}}, 0);
  EXPECT_EQ(waits.size(), kSeriesMax + 1);
}

}  // namespace
}  // namespace ebb
