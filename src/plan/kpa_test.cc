// Knative's autoscaler, by hand.
#include "plan/kpa.h"

#include <gtest/gtest.h>

#include <vector>

namespace ebb::plan {
namespace {

TEST(KpaMeter, MeansOverWhatWasMeasuredOfTheWindows) {
  KpaMeter meter({});
  meter.came(seconds(0));
  meter.ended(milliseconds(100));
  struct Row {
    int at;
    double stable, panic;
  };
  // The first call of a second is reported as one, however short it is; two seconds are measured at first.
  for (const Row& row : std::vector<Row>{{2, 0.5, 0.5}, {6, 0.166666, 0.166666}, {8, 0.125, 0}, {60, 0.016666, 0}, {62, 0, 0}}) {
    const KpaLoad load = meter.load(seconds(row.at));
    EXPECT_DOUBLE_EQ(load.stable, row.stable) << row.at;
    EXPECT_DOUBLE_EQ(load.panic, row.panic) << row.at;
  }
}

TEST(KpaMeter, CallsCountAsLongAsTheyRunInEachSecond) {
  KpaMeter meter({});
  meter.came(milliseconds(500));
  meter.came(milliseconds(500));
  meter.ended(milliseconds(2'500));
  meter.ended(milliseconds(3'500));
  // By the second: 1, 2, 1.5, 0.5.
  EXPECT_DOUBLE_EQ(meter.load(seconds(4)).stable, 5.0 / 4);
  EXPECT_EQ(meter.empty_at(seconds(5)), seconds(64));
  EXPECT_EQ(meter.load(seconds(64)).stable, 0);
}

TEST(KpaMeter, BeginsAnewAfterAWindowWithoutPods) {
  for (const auto& [again, mean] : std::vector<std::pair<int, double>>{{100, 0.016666}, {160, 1}}) {
    KpaMeter meter({});
    meter.came(seconds(0));
    meter.ended(seconds(1));
    EXPECT_GT(meter.load(seconds(2)).stable, 0);
    meter.stops(seconds(90));
    meter.came(seconds(again));
    EXPECT_DOUBLE_EQ(meter.load(seconds(again)).stable, mean) << again;
  }
}

TEST(KpaScaler, PodsByTheTargetWithinTheRates) {
  struct Row {
    KpaLoad load;
    int ready, pods;
  };
  // Seven calls for each pod of ten places.
  for (const Row& row : std::vector<Row>{{{7, 7}, 1, 1}, {{7.1, 7.1}, 1, 2}, {{70, 7}, 8, 10}, {{0.1, 0.1}, 9, 4}, {{1, 1}, 0, 1}, {{90'000, 0}, 1, 1'000}})
    EXPECT_EQ(KpaScaler({.calls_per_pod = 10}).wanted(row.load, row.ready, seconds(2)), row.pods) << row.load.stable;
}

TEST(KpaScaler, InPanicNoPodGoes) {
  KpaScaler scaler({.calls_per_pod = 10});
  EXPECT_EQ(scaler.wanted({7, 21}, 1, seconds(2)), 3);
  EXPECT_TRUE(scaler.panics());
  EXPECT_EQ(scaler.wanted({7, 7}, 3, seconds(4)), 3);
  EXPECT_EQ(scaler.wanted({7, 7}, 3, seconds(62)), 3);
  EXPECT_EQ(scaler.wanted({7, 7}, 3, seconds(64)), 1);
  EXPECT_FALSE(scaler.panics());
}

TEST(KpaScaler, TheLastPodGoesWhenItWasThereForAWindowAndTheActivatorStandsBeforeIt) {
  struct Row {
    const char* what;
    int calls_per_pod, active, at, pods;
  };
  for (const Row& row : std::vector<Row>{{"starts", 64, -1, 100, 1},
                                         {"was there for too short", 64, 50, 100, 1},
                                         {"goes", 64, 40, 100, 0},
                                         {"takes more than the burst capacity: the activator steps in now", 300, 40, 100, 1},
                                         {"the same, when the grace period is over", 300, 40, 130, 0}}) {
    KpaScaler scaler({.calls_per_pod = row.calls_per_pod});
    scaler.wanted({1, 1}, 1, seconds(1));
    if (row.active >= 0) scaler.active(seconds(row.active));
    scaler.wanted({0, 0}, row.active < 0 ? 0 : 1, seconds(100));
    EXPECT_EQ(scaler.wanted({0, 0}, row.active < 0 ? 0 : 1, seconds(row.at)), row.pods) << row.what;
  }
}

}  // namespace
}  // namespace ebb::plan
