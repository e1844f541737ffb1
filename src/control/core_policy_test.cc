// Rows: never more threads than cores, and turns that come round.
#include "control/core_policy.h"

#include <gtest/gtest.h>

#include <numeric>

namespace ebb::control {
namespace {

std::vector<domain::Priority> normal(size_t busy) { return std::vector(busy, domain::Priority::kNormal); }

TEST(ShareCores, Rows) {
  struct Row {
    int cores;
    size_t busy;
    uint64_t rotation;
    std::vector<int> threads;
  };
  const Row rows[] = {{2, 0, 0, {}},        {2, 1, 0, {2}},    {2, 2, 0, {1, 1}}, {2, 3, 0, {1, 1, 0}}, {2, 3, 1, {0, 1, 1}},
                      {2, 3, 2, {1, 0, 1}}, {1, 2, 0, {1, 0}}, {1, 2, 1, {0, 1}}, {4, 3, 5, {2, 1, 1}}, {8, 3, 0, {3, 3, 2}}};
  for (const Row& row : rows)
    EXPECT_EQ(share_cores(row.cores, normal(row.busy), row.rotation), row.threads) << row.cores << " cores, " << row.busy << " busy, " << row.rotation;
}

TEST(ShareCores, HigherClassesComeFirst) {
  using enum domain::Priority;
  struct Row {
    int cores;
    std::vector<domain::Priority> busy;
    uint64_t rotation;
    std::vector<int> threads;
  };
  const Row rows[] = {
      {2, {kBatch, kCritical}, 0, {1, 1}},                          // cores for all
      {1, {kBatch, kCritical}, 0, {0, 1}},                          // and for one
      {1, {kBatch, kCritical}, 1, {0, 1}},                          // whoever's turn it would be
      {2, {kBatch, kCritical, kNormal, kNormal}, 0, {0, 1, 1, 0}},  // normal ones take turns for what is left
      {2, {kBatch, kCritical, kNormal, kNormal}, 1, {0, 1, 0, 1}},
      {1, {kBatch, kCritical}, 7, {1, 0}},  // the eighth turn is everybody's
      {1, {kBatch, kCritical}, 15, {0, 1}},
  };
  for (const Row& row : rows)
    EXPECT_EQ(share_cores(row.cores, row.busy, row.rotation), row.threads) << row.cores << " cores, " << row.rotation;
}

TEST(CoresForEngines, LeavesWhatOthersUseAndDoesNotFlutter) {
  struct Row {
    int cores;
    double busy;
    int now;
    int then;
  };
  const Row rows[] = {{2, 0.0, 2, 2}, {2, 0.4, 2, 2}, {2, 0.6, 2, 1}, {2, 0.4, 1, 1}, {2, 0.1, 1, 2}, {2, 2.0, 2, 1},
                      {2, 9.0, 1, 1}, {8, 2.6, 8, 5}, {8, 2.3, 5, 5}, {8, 2.1, 5, 6}, {1, 1.0, 1, 1}};
  for (const Row& row : rows)
    EXPECT_EQ(cores_for_engines(row.cores, row.busy, row.now), row.then) << row.cores << " " << row.busy << " " << row.now;
}

TEST(ShareCores, EveryoneGetsATurn) {
  for (int cores = 1; cores <= 4; ++cores) {
    for (size_t busy = 1; busy <= 12; ++busy) {
      std::vector<int> turns(busy, 0);
      for (uint64_t rotation = 0; rotation < busy; ++rotation) {
        const std::vector<int> threads = share_cores(cores, normal(busy), rotation);
        EXPECT_LE(std::accumulate(threads.begin(), threads.end(), 0), cores);
        for (size_t i = 0; i < busy; ++i)
          turns[i] += threads[i];
      }
      for (const int turn : turns)
        EXPECT_GE(turn, 1);
    }
  }
}

}  // namespace
}  // namespace ebb::control
