// The loop of a simulated node, and what actions do to its workers.
//
// Due.subject is a worker for kReady to kGone, a call for kLeft, a tag for kTag; calls that run are found by their seat. Due.more is, for what a worker does in
// its own time, how long it had stood still when this was put in: what it stood since then is added when it comes due. kRealTime: nothing is added.
#include "sim/node.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/overload.h"

namespace ebb::sim {

namespace {

control::Event died(WorkerId worker, int reason) {
  control::WorkerDied event{.worker = worker, .reason = reason_text(reason), .error = std::nullopt};
  if (reason == kReasonDoesNotLoad) event.error = Error{.kind = ErrorKind::kInvalid, .message = "the model does not load"};
  return event;
}

}  // namespace

const char* reason_text(int reason) {
  switch (reason) {
    case 0: return "killed";
    case 1: return "exit 1";
    case 2: return "signal 11";
    default: return "the model does not load";
  }
}

Node::Node(NodeOptions options, Behaviour& behaviour, Observer* observer, Stepper* stepper)
    : behaviour_(behaviour),
      observer_(observer),
      stepper_(stepper),
      state_(options.config),
      rng_(options.seed),
      begin_(options.begin),
      now_(options.begin),
      wall_(options.wall),
      readings_every_(options.readings_every),
      available_bytes_(options.available_bytes != 0 ? options.available_bytes : options.config.memory_limit_bytes + options.config.memory_reserve_bytes) {
  if (readings_every_.count() > 0) timeline_.push({.at = now_ + readings_every_, .kind = DueKind::kReadings});
}

bool Node::run_until(MonoTime until) {
  stopped_ = false;
  while (!stopped_) {
    const MonoTime first = timeline_.first_at();
    const MonoTime at = std::min(first, wake_);
    if (at > until || at == MonoTime::max()) break;
    now_ = std::max(now_, at);
    if (wake_ < first) {
      wake_ = MonoTime::max();
      feed(control::TimeReached{});
    } else {
      happen(timeline_.pop());
    }
  }
  if (!stopped_ && until != MonoTime::max()) now_ = std::max(now_, until);
  return !stopped_;
}

void Node::feed(const control::Event& event) {
  EBB_CHECK(!stepping_);
  stepping_ = true;
  ++events_;
  const control::Actions actions = stepper_ == nullptr ? control::step(state_, event, now_, rng_) : stepper_->step(state_, event, now_, rng_);
  if (observer_ != nullptr) observer_->stepped(now_, event, actions, state_);
  perform(actions);
  stepping_ = false;
}

CallId Node::arrive(const std::string& endpoint, MonoTime deadline, bool alone, Who who) {
  const CallId id{next_call_++};
  feed(control::CallArrived{.call = id,
                            .endpoint = endpoint,
                            .deadline = deadline,
                            .wall = wall(),
                            .alone = alone,
                            .priority = who.priority,
                            .tenant = std::move(who.tenant),
                            .key = std::move(who.key),
                            .max_cost = who.max_cost});
  return id;
}

void Node::tag_at(MonoTime at, uint64_t tag) { timeline_.push({.at = at, .subject = tag, .kind = DueKind::kTag}); }
void Node::leave_at(MonoTime at, CallId call) { timeline_.push({.at = at, .subject = call.value, .kind = DueKind::kLeft}); }
void Node::die(WorkerId worker, MonoTime at, int reason) {
  timeline_.push({.at = at, .subject = worker.value, .more = kRealTime, .number = reason, .kind = DueKind::kDied});
}
void Node::lie_ready(WorkerId worker, MonoTime at, int slots) {
  timeline_.push({.at = at, .subject = worker.value, .more = kRealTime, .number = slots, .kind = DueKind::kReady});
}
void Node::stall(WorkerId worker, MonoTime until) {
  if (const auto found = workers_.find(worker); found != workers_.end()) found->second.stalled_until = until;
}

void Node::happen(Due due) {
  switch (due.kind) {
    case DueKind::kTag: return behaviour_.reached(*this, due.subject);
    case DueKind::kReadings: return read();
    case DueKind::kLeft: return feed(control::CallLeft{CallId{due.subject}});
    case DueKind::kDied:
    case DueKind::kGone: return bury(due);
    default: break;
  }
  const auto found = workers_.find(WorkerId{due.subject});
  if (found == workers_.end() || postponed(due, found->second)) return;
  if (due.kind == DueKind::kReady || due.kind == DueKind::kParked || due.kind == DueKind::kProgress) return happen_to_worker(due);
  if (seat_of(due) != nullptr) happen_to_call(due);
}

bool Node::postponed(Due& due, Worker& worker) {
  if (worker.stalled_until > now_) {
    due.at = worker.stalled_until;
    timeline_.push(due);  // anew, since what comes due earlier is said earlier
    return true;
  }
  if (due.more == kRealTime) return false;
  if (const Seat* const seat = seat_of(due); seat != nullptr && seat->held_since) {
    seats_[due.seat].held.push_back(due);
    return true;
  }
  if (worker.threads == 0) {
    worker.held.push_back(due);
    return true;
  }
  catch_up(due, worker);
  if (due.at <= now_) return false;
  timeline_.put_back(due);
  return true;
}

const Node::Seat* Node::seat_of(const Due& due) const {
  if (due.generation == 0) return nullptr;  // of the worker itself
  const Seat& seat = seats_[due.seat];
  return seat.call && seat.generation == due.generation ? &seat : nullptr;
}

void Node::catch_up(Due& due, const Worker& worker) const {
  const Seat* const seat = seat_of(due);
  const nanoseconds stood = worker.stood + (seat != nullptr ? seat->stood : nanoseconds(0));
  due.at += stood - std::exchange(due.more, stood);
}

void Node::happen_to_worker(const Due& due) {
  const WorkerId id{due.subject};
  if (due.kind == DueKind::kReady) return feed(control::WorkerReady{.worker = id, .slots = due.number});
  if (due.kind == DueKind::kParked) return feed(control::WorkerParked{id});
  // As long as what it tells of: so many times, or for ever.
  if (due.number != 1) {
    Due again = due;
    again.at = now_ + kProgressEvery;
    again.number = due.number == 0 ? 0 : due.number - 1;
    // Of a call: only while that runs.
    if (due.generation == 0 || seat_of(due) != nullptr) timeline_.push(again);
  }
  feed(control::WorkerProgress{id});
}

void Node::happen_to_call(const Due& due) {
  const Seat seat = seats_[due.seat];
  if (due.kind == DueKind::kCommitted) return feed(control::CallCommitted{seat.call});
  if (due.kind == DueKind::kFirstText) return feed(control::CallFirstText{seat.call});
  free_seat(due.seat);
  // A cancel says so in its number.
  const domain::Outcome outcome = due.number != 0 ? domain::Outcome::kLeft : seat.outcome;
  feed(control::CallEnded{.call = seat.call, .outcome = outcome, .prompt_tokens = seat.prompt_tokens, .completion_tokens = seat.completion_tokens});
}

void Node::bury(const Due& due) {
  const WorkerId id{due.subject};
  const auto found = workers_.find(id);
  if (found == workers_.end()) return;
  while (!found->second.seats.empty())
    free_seat(found->second.seats.back());
  workers_.erase(found);
  std::erase(order_, id);
  feed(died(id, due.number));
  if (observer_ != nullptr) observer_->worker_ended(now_, id);
}

void Node::read() {
  timeline_.push({.at = now_ + readings_every_, .kind = DueKind::kReadings});
  control::Readings readings{.cores_busy_elsewhere = cores_elsewhere_, .node_available_bytes = 0, .workers = {}};
  uint64_t held = 0;
  for (const WorkerId id : order_) {
    readings.workers.push_back({.worker = id, .pss_bytes = behaviour_.memory_bytes(id)});
    held += readings.workers.back().pss_bytes;
  }
  readings.node_available_bytes = available_bytes_ - std::min(available_bytes_, held);
  feed(readings);
  if (observer_ != nullptr) observer_->memory_held(now_, held);
}

void Node::perform(const control::Actions& actions) {
  for (const control::Action& action : actions) {
    std::visit(Overload{
                   [this](const control::StartWorker& start) { do_start(start); },
                   [this](const control::Park& park) {
                     if (!workers_.contains(park.worker)) return;
                     // What is no computing is done while it stands still, too.
                     const nanoseconds after = behaviour_.park(park.worker);
                     if (after == kNever) return;
                     timeline_.push({.at = now_ + after, .subject = park.worker.value, .more = kRealTime, .kind = DueKind::kParked});
                   },
                   // One that is gone is told nothing, as by a fleet: only a core that forgot its end asks.
                   [this](const control::Unpark& wake) {
                     if (workers_.contains(wake.worker)) do_load(wake.worker, behaviour_.wake(wake));
                   },
                   [this](const control::Resize& resize) {
                     if (workers_.contains(resize.worker)) do_load(resize.worker, behaviour_.resize(resize));
                   },
                   [this](const control::SetThreads& threads) { do_threads(threads); },
                   [this](const control::KillWorker& kill) { do_kill(kill); },
                   [this](const control::Dispatch& dispatch) { do_dispatch(dispatch); },
                   [this](const control::HoldCall& hold) { do_hold(hold); },
                   [this](const control::ResumeCall& resume) { do_resume(resume); },
                   [this](const control::CancelCall& cancel) { do_cancel(cancel); },
                   [this](const control::AnswerError& error) {
                     if (observer_ != nullptr) observer_->refused(now_, error.call, error.error);
                   },
                   [this](const control::RecordUsage& usage) {
                     if (observer_ != nullptr) observer_->recorded(now_, usage.record);
                   },
                   [this](const control::RecordInit& init) {
                     if (observer_ != nullptr) observer_->recorded(now_, init.record);
                   },
                   [this](const control::WakeAt& wake) { wake_ = wake.at; },
                   [this](const control::Drained&) { drained_ = true; },
               },
               action.act);
  }
}

}  // namespace ebb::sim
