// Rows for text_pace.h: what a step brought, and whether it waits.
#include "worker/text_pace.h"

#include <gtest/gtest.h>

#include "base/time.h"

namespace ebb::worker {
namespace {

struct Row {
  const char* what;
  StepSaid said;
  bool waits;
};

TEST(TextPace, TextWaitsWhileTheNextStepEndsInTime) {
  constexpr microseconds kStep{2500};
  const Row rows[] = {
      {"the second token of a fast stream", {.only_more_text = true, .took = kStep, .since_told = kStep, .bytes = 40}, true},
      {"the third", {.only_more_text = true, .took = kStep, .since_told = 2 * kStep, .bytes = 80}, true},
      {"with the fourth too much time has gone by", {.only_more_text = true, .took = kStep, .since_told = 3 * kStep, .bytes = 120}, false},
      {"just in time", {.only_more_text = true, .took = kTextEvery / 2, .since_told = kTextEvery / 2, .bytes = 40}, true},
      {"a slow stream's tokens each go out at once", {.only_more_text = true, .took = kTextEvery, .since_told = kTextEvery, .bytes = 40}, false},
      {"an answer begins or ends", {.only_more_text = false, .took = kStep, .since_told = kStep, .bytes = 40}, false},
      {"as much as may wait", {.only_more_text = true, .took = kStep, .since_told = kStep, .bytes = kWaitingTextMax}, true},
      {"more than that", {.only_more_text = true, .took = kStep, .since_told = kStep, .bytes = kWaitingTextMax + 1}, false},
  };
  for (const Row& row : rows)
    EXPECT_EQ(waits_for_more(row.said), row.waits) << row.what;
}

}  // namespace
}  // namespace ebb::worker
