// Rows of slots and idle times.
#include "control/scale_policy.h"

#include <gtest/gtest.h>

namespace ebb::control {
namespace {

using domain::Engine;

TEST(SlotsAtStart, Rows) {
  struct Row {
    int waiting;
    int min;
    int max;
    int slots;
  };
  for (const Row& row : {Row{1, 0, 16, 1}, Row{2, 0, 16, 2}, Row{3, 0, 16, 4}, Row{200, 0, 16, 4}, Row{200, 0, 2, 2}, Row{0, 3, 16, 3}, Row{0, 0, 16, 1},
                         Row{1, 0, 0, 1}, Row{9, 8, 4, 4}})
    EXPECT_EQ(slots_at_start(row.waiting, {.min = row.min, .max = row.max}, Engine::kLlama), row.slots) << row.waiting << " " << row.min << " " << row.max;
  for (const Row& row : {Row{0, 0, 16, 1}, Row{3, 0, 16, 4}, Row{200, 0, 16, 16}, Row{200, 0, 1'000, 256}, Row{5'000, 0, 5'000, 1'024}, Row{1, 3, 16, 3}})
    EXPECT_EQ(slots_at_start(row.waiting, {.min = row.min, .max = row.max}, Engine::kEcho), row.slots) << row.waiting << " " << row.min << " " << row.max;
}

TEST(SlotsToGrowTo, Rows) {
  struct Row {
    int slots;
    int waiting;
    int max;
    int to;
  };
  for (const Row& row : {Row{1, 0, 16, 1}, Row{1, 1, 16, 2}, Row{4, 9, 16, 8}, Row{12, 9, 16, 16}, Row{16, 9, 16, 16}, Row{0, 1, 16, 2}, Row{60, 9, 1000, 64}})
    EXPECT_EQ(slots_to_grow_to(row.slots, row.waiting, {.max = row.max}, Engine::kLlama), row.to) << row.slots << " " << row.waiting;
  for (const Row& row : {Row{1, 0, 16, 1}, Row{1, 1, 16, 2}, Row{1, 9, 16, 16}, Row{1, 999, 1'000, 1'000}, Row{64, 9, 1'000, 128}, Row{1'000, 9, 1'000, 1'000},
                         Row{1'000, 9, 5'000, 1'024}})
    EXPECT_EQ(slots_to_grow_to(row.slots, row.waiting, {.max = row.max}, Engine::kOnnx), row.to) << row.slots << " " << row.waiting;
}

TEST(InstancesToAdd, Rows) {
  struct Row {
    const char* name;
    int waiting;
    int running;
    int coming;
    int serving;
    int calls;
    domain::Scaling scaling;
    int to_add;
  };
  const Row rows[] = {
      {"nothing", 0, 0, 0, 0, 1, {}, 0},
      {"one for each", 3, 0, 0, 0, 1, {}, 3},
      {"one for four", 5, 0, 0, 0, 4, {}, 2},
      {"some come already", 5, 0, 4, 1, 4, {}, 1},
      {"not beyond the most", 50, 0, 0, 2, 1, {.max = 4}, 2},
      {"the least", 0, 0, 0, 1, 1, {.min = 3}, 2},
      {"all are taken, and nobody waits", 0, 4, 0, 4, 1, {}, 0},
      {"beyond the target", 0, 4, 0, 4, 1, {.target_percent = 50}, 4},
      {"within it", 0, 2, 0, 4, 1, {.target_percent = 50}, 0},
      {"of several calls each", 0, 8, 0, 1, 10, {.target_percent = 70}, 1},
  };
  for (const Row& row : rows)
    EXPECT_EQ(instances_to_add(row.waiting, row.running, row.coming, row.serving, row.calls, row.scaling), row.to_add) << row.name;
}

TEST(IdleChoice, Rows) {
  const MonoTime t0(seconds(100));
  const domain::Scaling scaling{.idle = seconds(30), .keep = seconds(600)};
  EXPECT_EQ(idle_step(false, t0, {}, scaling, t0 + seconds(29)).step, IdleStep::kStay);
  EXPECT_EQ(idle_step(false, t0, {}, scaling, t0 + seconds(29)).next, t0 + seconds(30));
  EXPECT_EQ(idle_step(false, t0, {}, scaling, t0 + seconds(30)).step, IdleStep::kPark);
  EXPECT_EQ(idle_step(true, t0, t0 + seconds(30), scaling, t0 + seconds(629)).step, IdleStep::kStay);
  EXPECT_EQ(idle_step(true, t0, t0 + seconds(30), scaling, t0 + seconds(630)).step, IdleStep::kGo);
  EXPECT_EQ(idle_step(false, t0, {}, {.idle = std::nullopt}, t0 + domain::kIdleAuto).step, IdleStep::kPark);
  const IdleChoice kept = idle_step(false, t0, {}, {.min = 1, .idle = seconds(1)}, t0 + seconds(1'000));
  EXPECT_EQ(kept.step, IdleStep::kStay);
  EXPECT_EQ(kept.next, MonoTime::max());
}

TEST(ShrinkAt, OnlyWhatScalingMinDoesNotAskFor) {
  const MonoTime t0(seconds(100));
  EXPECT_EQ(shrink_at(8, t0, {.min = 2, .max = 8, .idle = seconds(5)}), t0 + seconds(5));
  EXPECT_EQ(shrink_at(8, t0, {.min = 2, .max = 8, .idle = std::nullopt}), t0 + domain::kIdleAuto);
  EXPECT_EQ(shrink_at(2, t0, {.min = 2, .max = 8}), MonoTime::max());
  EXPECT_EQ(shrink_at(4, t0, {.min = 9, .max = 4}), MonoTime::max());
  EXPECT_EQ(shrink_at(8, t0, {.min = 0, .max = 8}), MonoTime::max()) << "it parks instead";
}

}  // namespace
}  // namespace ebb::control
