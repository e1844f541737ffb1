// One step, checked.
#include "sim/checkers.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/view.h"

namespace ebb::sim {

namespace {

// Past every bound of silence, also where many workers take turns on one core.
constexpr seconds kChangeMax{300};

}  // namespace

void SharedTime::pass(MonoTime now) {
  const auto many = static_cast<int64_t>(shares_.size());
  if (many > 0) {
    const int64_t stretch = (now - last_).count();
    for (int64_t i = 0; i < many; ++i)
      shares_[static_cast<size_t>(i)].second += nanoseconds(stretch / many + (i < stretch % many ? 1 : 0));
  }
  last_ = now;
}

void SharedTime::enter(CallId call, MonoTime now) {
  pass(now);
  shares_.insert(std::ranges::lower_bound(shares_, call, {}, [](const auto& share) { return share.first; }), {call, nanoseconds(0)});
}

nanoseconds SharedTime::leave(CallId call, MonoTime now) {
  pass(now);
  const auto found = std::ranges::find(shares_, call, [](const auto& share) { return share.first; });
  if (found == shares_.end()) return nanoseconds(0);
  const nanoseconds share = found->second;
  shares_.erase(found);
  return share;
}

bool SharedTime::has(CallId call) const {
  return std::ranges::any_of(shares_, [&](const auto& share) { return share.first == call; });
}

void Checkers::fail(std::string_view rule, std::string what) {
  if (!broken_) broken_ = Broken{.rule = rule, .what = std::move(what)};
}

void Checkers::check(MonoTime now, const control::Event& event, const control::Actions& actions, const control::State& state) {
  if (now < now_) fail("clock", "the clock ran backwards");
  now_ = now;
  must_end_.clear();
  came_back_.clear();
  arriving_ = must_cancel_ = {};
  memory_taken_ = false;
  check_due(true);
  std::visit(
      [&](const auto& e) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(e)>, control::CallArrived>)
          told(e, actions);
        else
          told(e);
      },
      event);
  for (const control::Action& action : actions)
    std::visit([this](const auto& act) { asked(act); }, action.act);
  after_step();
  if (memory_taken_) check_memory(state);
  if (const auto invariants = control::broken_invariants(state); !invariants.empty()) fail("invariant", invariants.front());
}

void Checkers::after_step() {
  for (const CallId id : must_end_)
    if (calls_.contains(id)) fail("record", fmt::format("call {} ended, and there is no usage record of it", id.value));
  if (must_cancel_) fail("cancel", fmt::format("the client of call {} left, and the call is not cancelled", must_cancel_.value));
  for (const CallId id : came_back_) {
    CallBook* const call = live(id);
    if (call == nullptr) continue;
    if (call->no_second_try) fail("second try", fmt::format("call {} gave text before its worker died, and is tried again", id.value));
    if (call->kills >= 2) fail("poison", fmt::format("{} workers died while they ran call {}, and it is tried again", call->kills, id.value));
    if (call->cancelled) fail("second try", fmt::format("call {} was cancelled before its worker died, and is tried again", id.value));
    if (!call->worker) call->share = nanoseconds(0);
  }
  check_workers();
  check_due(false);
  if (wake_ <= now_) wake_ = MonoTime::max();  // it fires at this very time, or did
  if (!due_.empty() && wake_ > due_.top().first)
    fail("wake", fmt::format("something is due for call {}, and no wake-up is asked for by then", due_.top().second.value));
}

// By virtual time to the nanosecond: what is due is done when it is due.
void Checkers::check_due(bool before_step) {
  while (!due_.empty()) {
    const auto [at, id] = due_.top();
    const CallBook* const call = live(id);
    if (call != nullptr && call->due == at) {
      const bool late = before_step ? at < now_ : at <= now_;
      if (late)
        fail("late", fmt::format("call {} {}, and nothing was done about it in time", id.value,
                                 !call->worker     ? "waited longer than it may"
                                 : call->cancelled ? "did not end after its cancel"
                                                   : "ran longer than it may"));
      return;
    }
    due_.pop();
  }
}

void Checkers::check_workers() {
  int threads = 0;
  for (const auto& [id, worker] : workers_) {
    if (!worker.instance && !worker.killed && (!worker.running.empty() || worker.loads() || worker.resizing)) threads += worker.threads;
    const bool parks = worker.phase == Phase::kParking && now_ - worker.since > kChangeMax;
    const bool resizes = worker.resizing && now_ - worker.resize_since > kChangeMax;
    if (!worker.killed && (parks || resizes))
      fail("stuck", fmt::format("worker {} was told to {} {} s ago, did not do it, and is not killed", id.value, parks ? "park" : "change its slots",
                                kChangeMax.count()));
  }
  if (threads > config_.cores) fail("threads", fmt::format("{} engine threads work on {} cores", threads, config_.cores));
}

void Checkers::check_memory(const control::State& state) {
  uint64_t bytes = 0;
  std::string each;
  for (const auto& [id, worker] : workers_) {
    const bool settled = worker.reading_bytes > 0 && !worker.loads() && !worker.resizing;
    const uint64_t counted = control::counted_bytes(state, id);
    const uint64_t takes = settled ? worker.reading_bytes : std::max(worker.reading_bytes, counted);
    bytes += takes;
    each += fmt::format(", worker {} takes {} MiB (counted: {})", id.value, takes >> 20U, counted >> 20U);
  }
  if (bytes > config_.memory_limit_bytes)
    fail("memory", fmt::format("more was admitted than fits, {} MiB of {} MiB{}", bytes >> 20U, config_.memory_limit_bytes >> 20U, each));
}

void Checkers::check_end() {
  if (!calls_.empty()) {
    const auto first = std::ranges::min_element(calls_, {}, [](const auto& call) { return call.first; });
    fail("end", fmt::format("{} calls are left after the drain, call {} among them", calls_.size(), first->first.value));
  }
  if (!drained_) fail("end", "after the drain the core does not say that it is drained");
}

WorkerBook* Checkers::worker_of(WorkerId id, std::string_view action) {
  const auto found = workers_.find(id);
  if (found != workers_.end()) return &found->second;
  fail("unknown worker", fmt::format("{} is asked of worker {}, which does not live", action, id.value));
  return nullptr;
}

EndpointBook* Checkers::endpoint_of(const std::string& name) {
  const auto found = endpoints_.find(name);
  return found == endpoints_.end() ? nullptr : &found->second;
}

CallBook* Checkers::live(CallId id) {
  const auto found = calls_.find(id);
  return found == calls_.end() ? nullptr : &found->second;
}

void Checkers::set_due(CallId id, CallBook& call, MonoTime due) {
  call.due = due;
  if (due != MonoTime::max()) due_.emplace(due, id);
}

void Checkers::join_queue(EndpointBook& endpoint, const CallBook& call, CallId id, bool first) {
  std::deque<CallId>& line = endpoint.lines[{call.priority, call.tenant}];
  if (first)
    line.push_front(id);
  else
    line.push_back(id);
  ++endpoint.waits[call.priority];
  ++endpoint.waiting;
}

void Checkers::leave_queue(const CallBook& call) {
  EndpointBook* const endpoint = endpoint_of(call.endpoint);
  if (endpoint == nullptr) return;
  --endpoint->waits[call.priority];
  --endpoint->waiting;
}

bool Checkers::higher_waits(const EndpointBook& endpoint, domain::Priority priority) {
  return std::ranges::any_of(endpoint.waits, [&](const auto& entry) { return entry.second > 0 && control::higher(entry.first, priority); });
}

}  // namespace ebb::sim
