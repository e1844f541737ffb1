// Rows: who may wait, and what the rest is told.
#include "control/wait_policy.h"

#include <gtest/gtest.h>

namespace ebb::control {
namespace {

TEST(RefuseWait, Rows) {
  struct Row {
    const char* name;
    WaitQuestion question;
    bool refused;
  };
  const domain::CallLimits limits{.queue = 10, .wait = milliseconds(1'000)};
  const nanoseconds forever = nanoseconds::max();
  const Row rows[] = {
      {"nothing known", {.waiting = 5, .slots = 0, .service = {}, .start = {}, .limits = limits, .time_left = forever}, false},
      {"queue full", {.waiting = 10, .slots = 4, .service = {}, .start = {}, .limits = limits, .time_left = forever}, true},
      {"one place left", {.waiting = 9, .slots = 4, .service = {}, .start = {}, .limits = limits, .time_left = forever}, false},
      {"a short wait", {.waiting = 3, .running = 4, .slots = 4, .service = milliseconds(500), .start = {}, .limits = limits, .time_left = forever}, false},
      {"longer than it may wait",
       {.waiting = 9, .running = 2, .slots = 2, .service = milliseconds(500), .start = {}, .limits = limits, .time_left = forever},
       true},
      {"past its own deadline",
       {.waiting = 3, .running = 4, .slots = 4, .service = milliseconds(500), .start = {}, .limits = limits, .time_left = milliseconds(100)},
       true},
      {"slower than its deadline, and a slot is free",
       {.waiting = 0, .running = 3, .slots = 4, .service = milliseconds(500), .start = {}, .limits = limits, .time_left = milliseconds(100)},
       false},
  };
  for (const Row& row : rows) {
    const std::optional<Error> error = refuse_wait(row.question);
    EXPECT_EQ(error.has_value(), row.refused) << row.name;
    if (error) {
      EXPECT_EQ(error->kind, ErrorKind::kOverloaded) << row.name;
      EXPECT_GE(error->retry_after, milliseconds(100)) << row.name;
    }
  }
}

TEST(RefuseWait, ADeadlineThatIsOverIsATimeout) {
  for (const nanoseconds left : {nanoseconds(-1), nanoseconds(0)})
    EXPECT_EQ(refuse_wait({.waiting = 0, .running = 0, .slots = 4, .service = {}, .start = {}, .limits = {}, .time_left = left})->kind, ErrorKind::kTimeout);
}

TEST(ExpectedWait, IsTheQueueBeforeItOverTheSlots) {
  EXPECT_EQ(expected_wait({.waiting = 0, .running = 3, .slots = 4, .service = milliseconds(100), .start = {}}), nanoseconds(0)) << "a slot is free";
  EXPECT_EQ(expected_wait({.waiting = 0, .running = 1, .slots = 1, .service = milliseconds(100), .start = {}}), milliseconds(100));
  EXPECT_EQ(expected_wait({.waiting = 7, .running = 4, .slots = 4, .service = milliseconds(100), .start = milliseconds(50)}), milliseconds(250));
  EXPECT_EQ(expected_wait({.waiting = 7, .running = 0, .slots = 4, .service = {}, .start = milliseconds(50)}), milliseconds(50));
}

}  // namespace
}  // namespace ebb::control
