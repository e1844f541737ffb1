// What actions do to the workers of a simulated node: each becomes something due later, by the Behaviour.
#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"
#include "sim/node.h"

namespace ebb::sim {

std::vector<WorkerId> Node::workers() const { return order_; }

bool Node::runs(CallId call) const {
  return std::ranges::any_of(seats_, [&](const Seat& seat) { return seat.call == call; });
}

Due Node::of_worker(DueKind kind, WorkerId id, const Worker& worker, nanoseconds after) const {
  // While it stands still, what it stood up to now is counted already: the rest is added when it goes on.
  const nanoseconds stood = worker.threads == 0 ? worker.stood + (now_ - worker.stands_since) : worker.stood;
  return {.at = now_ + after, .subject = id.value, .more = stood, .kind = kind};
}

void Node::progress_until(WorkerId id, const Worker& worker, nanoseconds until) {
  if (until <= kProgressEvery) return;
  Due due = of_worker(DueKind::kProgress, id, worker, kProgressEvery);
  due.number = until == kNever ? 0 : static_cast<int32_t>(std::min<int64_t>(until / kProgressEvery, std::numeric_limits<int32_t>::max()));
  timeline_.push(due);
}

void Node::do_start(const control::StartWorker& start) {
  const auto entered = workers_.try_emplace(start.worker);
  if (!entered.second) return;
  entered.first->second.threads = start.threads;
  order_.push_back(start.worker);
  if (observer_ != nullptr) observer_->worker_started(now_, start);
  do_load(start.worker, behaviour_.start(start));
}

void Node::do_load(WorkerId id, const Course& course) {
  const auto found = workers_.find(id);
  if (found == workers_.end()) return;
  if (!course.silent) progress_until(id, found->second, course.after);
  if (course.after == kNever) return;
  Due due = of_worker(DueKind::kReady, id, found->second, course.after);
  due.number = course.slots;
  timeline_.push(due);
}

void Node::do_dispatch(const control::Dispatch& dispatch) {
  const auto found = workers_.find(dispatch.worker);
  if (found == workers_.end()) return;
  const CallCourse course = behaviour_.run(dispatch);
  if (free_seats_.empty()) {
    free_seats_.push_back(static_cast<uint32_t>(seats_.size()));
    seats_.emplace_back();
  }
  const uint32_t index = free_seats_.back();
  free_seats_.pop_back();
  Worker& worker = found->second;
  Seat& seat = seats_[index];
  seat = {.call = dispatch.call,
          .worker = dispatch.worker,
          .generation = seat.generation + 1,
          .place = static_cast<uint32_t>(worker.seats.size()),
          .outcome = course.outcome,
          .prompt_tokens = course.prompt_tokens,
          .completion_tokens = course.completion_tokens};
  worker.seats.push_back(index);
  const auto put = [&](DueKind kind, nanoseconds after, int32_t number) {
    Due due = of_worker(kind, dispatch.worker, worker, after);
    due.seat = index;
    due.generation = seat.generation;
    due.number = number;
    timeline_.push(due);
  };
  if (course.committed != kNever) put(DueKind::kCommitted, course.committed, 0);
  if (course.first_text != kNever) put(DueKind::kFirstText, course.first_text, 0);
  if (!course.silent && course.ends > kProgressEvery) put(DueKind::kProgress, kProgressEvery, 0);
  if (course.ends != kNever) put(DueKind::kEnded, course.ends, 0);
}

void Node::do_cancel(const control::CancelCall& cancel) {
  const auto found = workers_.find(cancel.worker);
  if (found == workers_.end()) return;
  const nanoseconds after = behaviour_.cancel(cancel);
  if (after == kNever) return;
  const Seat* const seat = seat_of(cancel.call, found->second);
  if (seat == nullptr) return;
  // Its frames are read between two steps, also while there are none.
  timeline_.push({.at = now_ + after,
                  .subject = cancel.worker.value,
                  .more = kRealTime,
                  .seat = static_cast<uint32_t>(seat - seats_.data()),
                  .generation = seat->generation,
                  .number = 1,
                  .kind = DueKind::kEnded});
}

Node::Seat* Node::seat_of(CallId call, const Worker& worker) {
  const auto found = std::ranges::find_if(worker.seats, [&](uint32_t index) { return seats_[index].call == call; });
  return found == worker.seats.end() ? nullptr : &seats_[*found];
}

void Node::do_hold(const control::HoldCall& hold) {
  const auto found = workers_.find(hold.worker);
  if (found == workers_.end()) return;
  if (Seat* const seat = seat_of(hold.call, found->second)) seat->held_since = now_;
}

void Node::do_resume(const control::ResumeCall& resume) {
  const auto found = workers_.find(resume.worker);
  if (found == workers_.end()) return;
  Seat* const seat = seat_of(resume.call, found->second);
  if (seat == nullptr || !seat->held_since) return;
  seat->stood += now_ - *seat->held_since;
  seat->held_since.reset();
  for (Due& due : std::exchange(seat->held, {})) {
    catch_up(due, found->second);
    timeline_.put_back(due);
  }
}

void Node::do_threads(const control::SetThreads& threads) {
  const auto found = workers_.find(threads.worker);
  if (found == workers_.end()) return;
  Worker& worker = found->second;
  if (worker.threads != 0 && threads.threads == 0) worker.stands_since = now_;
  if (worker.threads == 0 && threads.threads != 0) worker.stood += now_ - worker.stands_since;
  worker.threads = threads.threads;
  if (worker.threads == 0) return;
  for (Due& due : std::exchange(worker.held, {})) {
    catch_up(due, worker);
    timeline_.put_back(due);
  }
}

void Node::do_kill(const control::KillWorker& kill) {
  const auto found = workers_.find(kill.worker);
  if (found == workers_.end()) return;
  const nanoseconds after = std::min<nanoseconds>(behaviour_.kill(kill), kill.grace + seconds(1));
  timeline_.push({.at = now_ + after, .subject = kill.worker.value, .more = kRealTime, .kind = DueKind::kGone});
}

void Node::free_seat(uint32_t index) {
  Seat& seat = seats_[index];
  if (const auto found = workers_.find(seat.worker); found != workers_.end()) {
    std::vector<uint32_t>& seats = found->second.seats;
    const uint32_t last = seats.back();
    seats[seat.place] = last;
    seats_[last].place = seat.place;
    seats.pop_back();
  }
  seat.call = {};
  free_seats_.push_back(index);
}

}  // namespace ebb::sim
