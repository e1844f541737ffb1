// An estimate, and the ways to be over a limit.
#include "control/wait_policy.h"

#include <fmt/format.h>

#include <algorithm>

namespace ebb::control {

namespace {

constexpr milliseconds kRetryMin{100};

milliseconds advice(nanoseconds wait) { return std::max(kRetryMin, std::chrono::ceil<milliseconds>(wait)); }

}  // namespace

nanoseconds expected_wait(const WaitQuestion& question) {
  const int slots = std::max(1, question.slots);
  // So many calls must end before this one has a slot.
  const int ahead = std::max(0, question.waiting + question.running + 1 - slots);
  return question.start + question.service * ahead / slots;
}

std::optional<Error> refuse_wait(const WaitQuestion& question) {
  if (question.time_left.count() <= 0) return Error{.kind = ErrorKind::kTimeout, .message = "the deadline of this call was over when it came"};
  const nanoseconds wait = expected_wait(question);
  if (question.waiting >= question.limits.queue)
    return Error{.kind = ErrorKind::kOverloaded,
                 .message = fmt::format("{} calls wait for this endpoint already, which is its limit (limits.queue): come back later", question.waiting),
                 .code = "rate_limit_exceeded",
                 .retry_after = advice(wait.count() == 0 ? nanoseconds(seconds(1)) : wait)};
  const nanoseconds patience = std::min(question.time_left, nanoseconds(question.limits.wait));
  if (wait > patience)
    return Error{.kind = ErrorKind::kOverloaded,
                 .message = fmt::format("the wait would be about {} ms, longer than the {} ms that this call may wait: come back later",
                                        std::chrono::ceil<milliseconds>(wait).count(), std::chrono::floor<milliseconds>(patience).count()),
                 .code = "rate_limit_exceeded",
                 .retry_after = advice(wait - patience)};
  return std::nullopt;
}

}  // namespace ebb::control
