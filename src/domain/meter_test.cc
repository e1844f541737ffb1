// The split of busy time: exact, and as control.md's example has it.
#include "domain/meter.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace ebb::domain {
namespace {

MonoTime at(int64_t ns) { return MonoTime(nanoseconds(ns)); }

TEST(BusyMeter, TheExampleOfTwoCalls) {
  BusyMeter meter;
  meter.dispatched(CallId{1}, at(0));
  meter.dispatched(CallId{2}, at(4'000'000));
  EXPECT_EQ(meter.finished(CallId{1}, at(10'000'000)), milliseconds(7));
  EXPECT_EQ(meter.finished(CallId{2}, at(10'000'000)), milliseconds(3));
  EXPECT_EQ(meter.busy_total(), milliseconds(10));
}

TEST(BusyMeter, ACallMayHaveEndedBeforeItIsKnown) {
  BusyMeter meter;
  meter.dispatched(CallId{1}, at(0));
  meter.dispatched(CallId{2}, at(0));
  EXPECT_EQ(meter.share(CallId{1}, at(1'000)), nanoseconds(500));
  EXPECT_EQ(meter.finished(CallId{1}, at(3'000)), nanoseconds(1'500));
  EXPECT_EQ(meter.finished(CallId{2}, at(2'000)), nanoseconds(1'500)) << "not before the last change";
  EXPECT_EQ(meter.busy_total(), nanoseconds(3'000));
}

TEST(BusyMeter, RemaindersGoToTheLowestIds) {
  BusyMeter meter;
  for (uint64_t id = 1; id <= 3; ++id)
    meter.dispatched(CallId{id}, at(0));
  EXPECT_EQ(meter.finished(CallId{1}, at(11)), nanoseconds(4));
  EXPECT_EQ(meter.finished(CallId{2}, at(11)), nanoseconds(4));
  EXPECT_EQ(meter.finished(CallId{3}, at(11)), nanoseconds(3));
}

TEST(BusyMeter, IdleTimeIsNobodysAndAnUnknownCallHasNoShare) {
  BusyMeter meter;
  meter.dispatched(CallId{1}, at(0));
  EXPECT_EQ(meter.finished(CallId{1}, at(5)), nanoseconds(5));
  EXPECT_EQ(meter.finished(CallId{1}, at(6)), nanoseconds(0));
  meter.dispatched(CallId{2}, at(1'000));
  EXPECT_EQ(meter.finished(CallId{2}, at(1'001)), nanoseconds(1));
  EXPECT_EQ(meter.busy_total(), nanoseconds(6));
}

TEST(BusyMeter, SharesAlwaysAddUp) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 200; ++round) {
    BusyMeter meter;
    std::map<uint64_t, bool> running;
    int64_t now = 0;
    uint64_t next = 1;
    nanoseconds sum{0};
    for (int i = 0; i < 200; ++i) {
      now += static_cast<int64_t>(random() % 1'000);
      if (random() % 2 == 0) {
        running[next] = true;
        meter.dispatched(CallId{next++}, at(now));
      } else if (!running.empty()) {
        const auto victim = std::next(running.begin(), static_cast<long>(random() % running.size()));
        sum += meter.finished(CallId{victim->first}, at(now));
        running.erase(victim);
      }
    }
    for (const auto& [id, unused] : running)
      sum += meter.finished(CallId{id}, at(now));
    ASSERT_EQ(sum, meter.busy_total());
  }
}

}  // namespace
}  // namespace ebb::domain
