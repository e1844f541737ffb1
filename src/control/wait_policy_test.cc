// Rows: who may wait, who is begun, and what the rest is told.
#include "control/wait_policy.h"

#include <gtest/gtest.h>

namespace ebb::control {
namespace {

TEST(RefuseWait, Rows) {
  using enum domain::Priority;
  struct Row {
    const char* name;
    WaitQuestion question;
    bool refused;
  };
  const domain::CallLimits limits{.queue = 10, .wait = milliseconds(1'000)};
  const domain::CallLimits patient{.queue = 100, .wait = seconds(30)};
  const domain::CallLimits none{.queue = 0, .wait = milliseconds(1'000)};
  const nanoseconds forever = nanoseconds::max();
  const ServiceTime half{.mean = milliseconds(500)};
  const Row rows[] = {
      {"nothing known", {.before = 5, .waiting = 5, .limits = limits, .time_left = forever}, false},
      {"queue full", {.before = 10, .waiting = 10, .slots = 4, .limits = limits, .time_left = forever}, true},
      {"queue full, and one makes room", {.before = 10, .waiting = 10, .slots = 4, .limits = limits, .time_left = forever, .may_displace = true}, false},
      {"one place left", {.before = 9, .waiting = 9, .slots = 4, .limits = limits, .time_left = forever}, false},
      {"no places, and a worker whose slots are taken", {.running = 4, .slots = 4, .ready = true, .limits = none, .time_left = forever}, true},
      {"no places, and no worker yet", {.slots = 4, .limits = none, .time_left = forever}, false},
      {"no places, no worker, and one waits for it", {.before = 1, .waiting = 1, .slots = 4, .limits = none, .time_left = forever}, true},
      {"a short wait", {.before = 3, .waiting = 3, .running = 4, .slots = 4, .service = half, .limits = limits, .time_left = forever}, false},
      {"longer than it may wait", {.before = 9, .waiting = 9, .running = 2, .slots = 2, .service = half, .limits = limits, .time_left = forever}, true},
      {"the others come after it", {.before = 0, .waiting = 9, .running = 2, .slots = 2, .service = half, .limits = limits, .time_left = forever}, false},
      {"past its own deadline", {.before = 3, .waiting = 3, .running = 4, .slots = 4, .service = half, .limits = limits, .time_left = milliseconds(100)}, true},
      {"a slot in time, and not an answer",
       {.before = 3, .waiting = 3, .running = 4, .slots = 4, .service = half, .limits = limits, .time_left = milliseconds(900)},
       true},
      {"slower than its deadline, and a slot is free", {.running = 3, .slots = 4, .service = half, .limits = limits, .time_left = milliseconds(100)}, false},
      {"a long wait, once",
       {.before = 20, .waiting = 20, .running = 2, .slots = 2, .service = half, .limits = patient, .time_left = forever, .stands = false},
       false},
      {"a long wait, where all wait long",
       {.before = 20, .waiting = 20, .running = 2, .slots = 2, .service = half, .limits = patient, .time_left = forever, .stands = true},
       true},
      {"a short one there",
       {.before = 2, .waiting = 2, .running = 2, .slots = 2, .service = half, .limits = patient, .time_left = forever, .stands = true},
       false},
      {"batch is patient",
       {.priority = kBatch, .before = 20, .waiting = 20, .running = 2, .slots = 2, .service = half, .limits = patient, .time_left = forever, .stands = true},
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
    EXPECT_EQ(refuse_wait({.slots = 4, .limits = {}, .time_left = left})->kind, ErrorKind::kTimeout);
}

TEST(ReachesLimits, ByPlacesOrByTheWait) {
  const domain::CallLimits limits{.queue = 10, .wait = seconds(1)};
  const ServiceTime half{.mean = milliseconds(500)};
  EXPECT_FALSE(reaches_limits({.before = 9, .waiting = 9, .slots = 10, .limits = limits}));
  EXPECT_TRUE(reaches_limits({.before = 10, .waiting = 10, .slots = 10, .limits = limits, .may_displace = true}));
  EXPECT_TRUE(reaches_limits({.before = 5, .waiting = 5, .running = 1, .slots = 1, .service = half, .limits = limits}));
}

TEST(ExpectedWait, IsTheQueueBeforeItOverTheSlots) {
  const ServiceTime known{.mean = milliseconds(100)};
  EXPECT_EQ(expected_wait({.before = 0, .running = 3, .slots = 4, .service = known}), nanoseconds(0)) << "a slot is free";
  EXPECT_EQ(expected_wait({.before = 0, .running = 1, .slots = 1, .service = known}), milliseconds(50)) << "half done, on average";
  EXPECT_EQ(expected_wait({.before = 7, .running = 4, .slots = 4, .service = known}), microseconds(187'500));
  EXPECT_EQ(expected_wait({.before = 7, .running = 0, .slots = 4}), nanoseconds(0)) << "nothing is known";
}

TEST(ServiceTime, OfSteadyCallsHardlyOneTakesLongerThanTheMean) {
  ServiceTime service;
  learn(service, milliseconds(100));
  EXPECT_EQ(most(service), milliseconds(200)) << "one call says nothing of how they differ";
  for (int i = 0; i < 30; ++i)
    learn(service, milliseconds(100));
  EXPECT_EQ(service.mean, milliseconds(100));
  EXPECT_LT(most(service), milliseconds(101));
}

TEST(ServiceTime, OfUnsteadyCallsSomeDo) {
  ServiceTime service;
  for (int i = 0; i < 30; ++i)
    learn(service, milliseconds(i % 2 == 0 ? 10 : 1'000));
  EXPECT_GT(most(service), milliseconds(1'000));
}

TEST(TooLate, OnlyWhatCannotBeDone) {
  const ServiceTime steady{.mean = milliseconds(100), .deviation = milliseconds(5)};
  EXPECT_FALSE(too_late(steady, milliseconds(100)));
  EXPECT_TRUE(too_late(steady, milliseconds(99)));
  EXPECT_FALSE(too_late({}, milliseconds(1)));
}

TEST(StandingQueue, StandsOnceAllWaitTooLongForAWhile) {
  const ServiceTime quick{.mean = milliseconds(100)};
  const MonoTime begin{seconds(100)};
  StandingQueue queue;
  dispatched(queue, seconds(3), false, quick, begin);
  queue.refused = true;
  EXPECT_FALSE(stands(queue, begin));
  dispatched(queue, seconds(3), false, quick, begin + seconds(2));
  EXPECT_TRUE(stands(queue, begin + seconds(2)));
  dispatched(queue, milliseconds(10), false, quick, begin + seconds(3));
  EXPECT_TRUE(stands(queue, begin + seconds(9))) << "it stands until nobody waits";
  dispatched(queue, milliseconds(10), true, quick, begin + seconds(10));
  EXPECT_FALSE(stands(queue, begin + seconds(20)));
}

TEST(StandingQueue, DoesNotStandWhereNobodyMustBeRefused) {
  const ServiceTime quick{.mean = milliseconds(100)};
  StandingQueue queue;
  for (int i = 0; i < 60; ++i)  // callers that wait for each other
    dispatched(queue, seconds(9), false, quick, MonoTime(seconds(100 + i)));
  EXPECT_FALSE(stands(queue, MonoTime(seconds(160))));
}

TEST(StandingQueue, DoesNotStandWhereSomeWaitShortly) {
  const ServiceTime quick{.mean = milliseconds(100)};
  const MonoTime begin{seconds(100)};
  StandingQueue queue;
  for (int i = 0; i < 20; ++i) {
    queue.refused = true;
    dispatched(queue, seconds(3), false, quick, begin + seconds(2 * i));
    dispatched(queue, milliseconds(900), false, quick, begin + seconds(2 * i + 1));
    EXPECT_FALSE(stands(queue, begin + seconds(2 * i + 1)));
  }
  dispatched(queue, seconds(3), false, quick, begin + seconds(50));
  dispatched(queue, seconds(9), true, quick, begin + seconds(60));
  EXPECT_FALSE(stands(queue, begin + seconds(60))) << "a burst was worked off";
}

TEST(RetryBudget, IsATenthOfTheCallsAndSomeAtOnce) {
  RetryBudget budget;
  int tries = 0;
  while (take_retry(budget))
    ++tries;
  EXPECT_EQ(tries, 100);
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(take_retry(budget)) << i;
    accepted(budget);
  }
  EXPECT_TRUE(take_retry(budget));
  EXPECT_FALSE(take_retry(budget));
}

}  // namespace
}  // namespace ebb::control
