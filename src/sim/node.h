// One node in virtual time: the pure core, a clock that jumps from one thing to the next, and workers that do what a Behaviour says.
//
//   run_until(t) ─► the next thing due ─► an event ─► control::step ─► actions ─► perform: the Behaviour says how long ─► Timeline
//
// Does what the shell (invoke/) does with actions, and nothing else: it decides nothing. The same seed and the same calls of this class give the
// same events and actions. Single-threaded. Arrivals come from outside (run_until, then arrive) or by tags that the Behaviour set itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "control/core.h"
#include "sim/behaviour.h"
#include "sim/timeline.h"

namespace ebb::sim {

// Told of all that happens; may read, not feed.
class Observer {
 public:
  virtual ~Observer() = default;
  // After each step, before its actions are performed.
  virtual void stepped(MonoTime /*now*/, const control::Event& /*event*/, const control::Actions& /*actions*/, const control::State& /*state*/) {}
  virtual void recorded(MonoTime /*now*/, const domain::UsageRecord& /*record*/) {}
  virtual void refused(MonoTime /*now*/, CallId /*call*/, const Error& /*error*/) {}  // also what ends an accepted call with an error
  virtual void worker_started(MonoTime /*now*/, const control::StartWorker& /*start*/) {}
  virtual void worker_ended(MonoTime /*now*/, WorkerId /*worker*/) {}
  virtual void memory_held(MonoTime /*now*/, uint64_t /*bytes*/) {}  // by all workers, at each reading
};

// What stands in for control::step; for faults that are planted on purpose.
class Stepper {
 public:
  virtual ~Stepper() = default;
  virtual control::Actions step(control::State& state, const control::Event& event, MonoTime now, control::Rng& rng) = 0;
};

// Of a call: its class, absent for the endpoint's, on whose account it comes, and what it may cost at most.
struct Who {
  std::optional<domain::Priority> priority = {};
  std::string tenant = {};
  std::string key = {};
  std::optional<domain::Pico> max_cost = {};
};

struct NodeOptions {
  control::NodeConfig config;
  uint64_t seed = 1;              // of the core's own random source
  MonoTime begin{seconds(1000)};  // virtual time starts here
  WallTime wall{};                // and it is this late then
  nanoseconds readings_every{0};  // 0: none
  uint64_t available_bytes = 0;   // of the machine without workers; 0: the config's limit and reserve
};

class Node {
 public:
  // All are borrowed and must outlive the node; observer and stepper may be null.
  Node(NodeOptions options, Behaviour& behaviour, Observer* observer = nullptr, Stepper* stepper = nullptr);

  // Does all that is due up to `until`; then it is `until`. False: stopped in between (stop()).
  bool run_until(MonoTime until);
  // Makes run_until return after the present step.
  void stop() { stopped_ = true; }

  // A call, now. Its id: they rise by one.
  CallId arrive(const std::string& endpoint, MonoTime deadline = MonoTime::max(), bool alone = false, Who who = {});
  // Any other event, now: deployments, the store, a drain.
  void feed(const control::Event& event);

  // Later, in real time:
  void tag_at(MonoTime at, uint64_t tag);
  void leave_at(MonoTime at, CallId call);
  void die(WorkerId worker, MonoTime at, int reason);  // by itself; reason_text
  void lie_ready(WorkerId worker, MonoTime at, int slots);
  // What the worker says until then comes then, in its order.
  void stall(WorkerId worker, MonoTime until);

  void shift_wall(milliseconds by) { wall_ += by; }
  void set_available(uint64_t bytes) { available_bytes_ = bytes; }
  void set_cores_elsewhere(double cores) { cores_elsewhere_ = cores; }

  MonoTime now() const { return now_; }
  WallTime wall() const { return wall_ + std::chrono::duration_cast<milliseconds>(now_ - begin_); }
  CallId next_call() const { return CallId{next_call_}; }  // what arrive() gives
  // In a slot of a worker.
  bool runs(CallId call) const;
  bool stopped() const { return stopped_; }
  bool drained() const { return drained_; }
  uint64_t events() const { return events_; }
  const control::State& state() const { return state_; }
  // In the order of their start.
  std::vector<WorkerId> workers() const;
  bool lives(WorkerId worker) const { return workers_.contains(worker); }
  size_t workers_alive() const { return workers_.size(); }

 private:
  // Below every bound of silence in control/failure_policy.h.
  static constexpr seconds kProgressEvery{8};
  static constexpr nanoseconds kRealTime{-1};

  struct Worker {
    int threads = 1;
    nanoseconds stood{0};  // without threads, until `stands_since`
    MonoTime stands_since{};
    MonoTime stalled_until{};
    std::vector<uint32_t> seats;  // of its calls
    std::vector<Due> held;        // came due while it had no threads
  };
  // A call that runs.
  struct Seat {
    CallId call;
    WorkerId worker;
    uint32_t generation = 0;
    uint32_t place = 0;  // in the worker's list
    domain::Outcome outcome = domain::Outcome::kOk;
    int prompt_tokens = 0;
    int completion_tokens = 0;
    nanoseconds stood{0};  // held, until `held_since`
    std::optional<MonoTime> held_since;
    std::vector<Due> held;  // came due meanwhile
  };

  void perform(const control::Actions& actions);
  void do_start(const control::StartWorker& start);
  void do_load(WorkerId id, const Course& course);
  void do_dispatch(const control::Dispatch& dispatch);
  void do_hold(const control::HoldCall& hold);
  void do_resume(const control::ResumeCall& resume);
  void do_cancel(const control::CancelCall& cancel);
  void do_threads(const control::SetThreads& threads);
  void do_kill(const control::KillWorker& kill);
  void happen(Due due);
  void happen_to_worker(const Due& due);
  void happen_to_call(const Due& due);
  void bury(const Due& due);
  void read();
  // In the worker's own time.
  Due of_worker(DueKind kind, WorkerId id, const Worker& worker, nanoseconds after) const;
  void progress_until(WorkerId id, const Worker& worker, nanoseconds until);
  // Of a call that runs in this worker, or null.
  Seat* seat_of(CallId call, const Worker& worker);
  // Due as much later as worker and call stood still since it was put in.
  void catch_up(Due& due, const Worker& worker) const;
  const Seat* seat_of(const Due& due) const;
  // True: not now, because the worker or the call stands still, or stood for a while, or its channel is stalled.
  bool postponed(Due& due, Worker& worker);
  void free_seat(uint32_t seat);

  Behaviour& behaviour_;
  Observer* observer_;
  Stepper* stepper_;
  control::State state_;
  control::Rng rng_;
  Timeline timeline_;
  MonoTime begin_;
  MonoTime now_;
  MonoTime wake_{MonoTime::max()};
  WallTime wall_;
  nanoseconds readings_every_;
  uint64_t available_bytes_;
  double cores_elsewhere_ = 0;
  std::unordered_map<WorkerId, Worker> workers_;  // looked up only: its order is nobody's
  std::vector<WorkerId> order_;                   // of those, as started
  std::vector<Seat> seats_;
  std::vector<uint32_t> free_seats_;
  uint64_t next_call_ = 1;
  uint64_t events_ = 0;
  bool stepping_ = false;
  bool stopped_ = false;
  bool drained_ = false;
};

// "exit 1", "signal 9", …
const char* reason_text(int reason);
inline constexpr int kReasonDoesNotLoad = 3;  // with a typed error
inline constexpr int kReasons = 4;

}  // namespace ebb::sim
