// An estimate, and the ways to be over a limit.
#include "control/wait_policy.h"

#include <fmt/format.h>

#include <algorithm>

namespace ebb::control {

namespace {

constexpr milliseconds kRetryMin{100};
// Nobody minds less; and where a call itself takes long, about as long again.
constexpr seconds kGoodWaitMin{1};
// So long all must have waited too long: a burst that ends before is only a burst.
constexpr seconds kStandsAfter{2};
constexpr int kRetryTenthsMax = RetryBudget{}.tenths;

milliseconds advice(nanoseconds wait) { return std::max(kRetryMin, std::chrono::ceil<milliseconds>(wait)); }

int64_t ceil_ms(nanoseconds time) { return std::chrono::ceil<milliseconds>(time).count(); }

Error overloaded(std::string message, nanoseconds back_in) {
  return {.kind = ErrorKind::kOverloaded, .message = std::move(message), .code = "rate_limit_exceeded", .retry_after = advice(back_in)};
}

}  // namespace

void learn(ServiceTime& service, nanoseconds took) {
  if (service.mean.count() == 0) {
    service = {.mean = took, .deviation = took / 2};
    return;
  }
  const nanoseconds off = took > service.mean ? took - service.mean : service.mean - took;
  service.deviation = (service.deviation * 3 + off) / 4;
  service.mean = (service.mean * 7 + took) / 8;
}

nanoseconds most(const ServiceTime& service) { return service.mean + 2 * service.deviation; }

nanoseconds good_wait(const ServiceTime& service) { return std::max<nanoseconds>(kGoodWaitMin, 2 * service.mean); }

void dispatched(StandingQueue& standing, nanoseconds waited, bool last, const ServiceTime& service, MonoTime now) {
  if (last || (waited <= good_wait(service) && !stands(standing, now)))
    standing = {};
  else if (waited > good_wait(service))
    standing.since = std::min(standing.since, now);
}

bool stands(const StandingQueue& standing, MonoTime now) {
  return standing.refused && standing.since != MonoTime::max() && now - standing.since >= kStandsAfter;
}

void accepted(RetryBudget& budget) { budget.tenths = std::min(kRetryTenthsMax, budget.tenths + 1); }

bool take_retry(RetryBudget& budget) {
  if (budget.tenths < 10) return false;
  budget.tenths -= 10;
  return true;
}

nanoseconds expected_wait(const WaitQuestion& question) {
  const int slots = std::max(1, question.slots);
  // So many calls must end before this one has a slot.
  const int ahead = std::max(0, question.before + question.running + 1 - slots);
  // Those that run are half done, on average: the next one ends after half of what a slot's share of a call is.
  return ahead == 0 ? nanoseconds(0) : question.service.mean * (2 * ahead - 1) / (2 * slots);
}

namespace {

// One that makes the first worker start waits behind nobody.
bool full(const WaitQuestion& question) { return question.waiting >= question.limits.queue && (question.waiting > 0 || question.ready); }

}  // namespace

bool reaches_limits(const WaitQuestion& question) { return full(question) || expected_wait(question) > question.limits.wait; }

std::optional<Error> refuse_wait(const WaitQuestion& question) {
  if (question.time_left.count() <= 0) return Error{.kind = ErrorKind::kTimeout, .message = "the deadline of this call was over when it came"};
  const nanoseconds wait = expected_wait(question);
  if (full(question) && !question.may_displace)
    return overloaded(fmt::format("{} calls wait for this endpoint already, which is its limit (limits.queue): come back later", question.waiting),
                      wait.count() == 0 ? nanoseconds(seconds(1)) : wait);
  const nanoseconds patience = question.limits.wait;
  if (wait > patience)
    return overloaded(fmt::format("the wait would be about {} ms, longer than the {} ms that a call may wait here (limits.wait): come back later",
                                  ceil_ms(wait), ceil_ms(patience)),
                      wait - patience);
  // A call without a wait is begun: how long it takes is not known before. Of others nearly all must be done in time: a queue that is as long as it may be
  // makes all of them wait for as long as they may.
  const nanoseconds done = wait + most(question.service);
  if (wait.count() > 0 && done > question.time_left)
    return overloaded(
        fmt::format("the answer may take {} ms, wait and all, and its deadline is in {} ms: come back later", ceil_ms(done), ceil_ms(question.time_left)),
        done - question.time_left);
  const nanoseconds good = good_wait(question.service);
  if (question.stands && question.priority == domain::Priority::kNormal && wait > good)
    return overloaded(
        fmt::format("more calls come than are served: the wait would be about {} ms, and stays below {} ms for those who are let in: come back later",
                    ceil_ms(wait), ceil_ms(good)),
        wait - good);
  return std::nullopt;
}

Error displaced(const WaitQuestion& question) {
  return overloaded(
      fmt::format("all {} places of those who wait (limits.queue) are wanted for a call of a higher class, or of a tenant with fewer calls", question.waiting),
      std::max<nanoseconds>(seconds(1), expected_wait(question)));
}

std::optional<Error> too_late(const ServiceTime& service, nanoseconds time_left) {
  if (service.mean <= time_left) return std::nullopt;
  return overloaded(fmt::format("a slot came free when {} ms were left of its deadline, and a call takes about {} ms: it was not begun",
                                std::max<int64_t>(0, std::chrono::floor<milliseconds>(time_left).count()), ceil_ms(service.mean)),
                    service.mean);
}

}  // namespace ebb::control
