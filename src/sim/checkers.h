// What must hold of the core, seen from outside: after every step, by own books of what it was told and what it asked for.
//
// Each rule has a short name, by which a failing run is made smaller while the same rule breaks. Read-only; says the first rule that broke.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/core.h"
#include "sim/books.h"

namespace ebb::sim {

struct Broken {
  std::string_view rule;
  std::string what;  // a sentence
};

class Checkers {
 public:
  explicit Checkers(const control::NodeConfig& config) : config_(config), lists_{config.prices} {}

  void check(MonoTime now, const control::Event& event, const control::Actions& actions, const control::State& state);
  // After the drain: nothing is left.
  void check_end();
  void fail(std::string_view rule, std::string what);
  const std::optional<Broken>& broken() const { return broken_; }

 private:
  // checkers_events.cc: what the core was told
  void told(const control::CallArrived& event, const control::Actions& actions);
  void told(const control::CallFirstText& event);
  void told(const control::CallCommitted& event);
  void told(const control::CallEnded& event);
  void told(const control::CallLeft& event);
  void told(const control::WorkerReady& event);
  void told(const control::WorkerParked& event);
  void told(const control::WorkerProgress& event);
  void told(const control::WorkerDied& event);
  void told(const control::Readings& event);
  void told(const control::StoreWritable& event);
  void told(const control::ClockRead& /*event*/) {}
  void told(const control::RevisionDeployed& event);
  void told(const control::EndpointRemoved& event);
  void told(const control::BudgetSet& event);
  void told(const control::BudgetKnown& event);
  void told(const control::BudgetRemoved& event);
  void told(const control::PricesSet& event);
  void told(const control::PricesRemoved& event);
  void told(const control::UsedBefore& event);
  void told(const control::RateSet& event);
  void told(const control::RateRemoved& event);
  void told(const control::DrainRequested& event);
  void told(const control::TimeReached&) {}
  CallBook book_of(const control::CallArrived& event, const domain::Revision& revision);
  void accept(const control::CallArrived& event, int made_room);

  // checkers_actions.cc: what it asked for
  void asked(const control::StartWorker& act);
  void asked(const control::Park& act);
  void asked(const control::Unpark& act);
  void asked(const control::Resize& act);
  void asked(const control::SetThreads& act);
  void asked(const control::KillWorker& act);
  void asked(const control::Dispatch& act);
  void asked(const control::HoldCall& act);
  void asked(const control::ResumeCall& act);
  void asked(const control::CancelCall& act);
  void asked(const control::AnswerError& act);
  void asked(const control::RecordUsage& act);
  void asked(const control::RecordInit& act);
  void asked(const control::WakeAt& act);
  void asked(const control::Drained& act);
  void may_kill(WorkerId id, const WorkerBook& worker);

  // checkers_budgets.cc: what it may spend
  // `refused` is null for a call that is accepted.
  void check_budgets(const control::CallArrived& event, domain::Pico worst, const Error* refused);
  // By each of them, whatever there was before this call.
  struct Room {
    bool unknown = false;
    bool over = false;
    bool held = false;
  };
  Room room_for(const control::CallArrived& event, domain::Pico worst);
  void check_cost(const domain::UsageRecord& record, const CallBook& call, bool ran);
  void spend(const domain::UsageRecord& record, const CallBook& call);
  domain::Pico worst_of(const domain::Revision& revision, MonoTime deadline, const domain::PriceList& list) const;

  // checkers_prices.cc: what it costs, and how fast calls may come
  const domain::PriceList& list_at(WallTime wall);
  domain::Pico price_of(const domain::UsageRecord& record, const CallBook& call);
  domain::Pico worst_price(const domain::Revision& revision, int64_t billed_ms, const domain::PriceList& list) const;
  void check_rates(const CallBook& call, CallId id, const Error* refused);
  void end_in_rates(const domain::UsageRecord& record, const CallBook& call);

  // checkers.cc: what follows
  void after_step();
  void check_workers();
  void check_memory(const control::State& state);
  void check_due(bool before_step);

  // Null, and a broken rule, if there is none.
  WorkerBook* worker_of(WorkerId id, std::string_view action);
  EndpointBook* endpoint_of(const std::string& name);
  CallBook* live(CallId id);
  void set_due(CallId id, CallBook& call, MonoTime due);
  static void join_queue(EndpointBook& endpoint, const CallBook& call, CallId id, bool first);
  void leave_queue(const CallBook& call);
  // Calls of a higher class wait for this endpoint.
  static bool higher_waits(const EndpointBook& endpoint, domain::Priority priority);

  control::NodeConfig config_;
  std::optional<Broken> broken_;
  MonoTime now_{};
  MonoTime wake_{MonoTime::max()};
  std::unordered_map<CallId, CallBook> calls_;  // looked up only
  std::vector<bool> seen_;                      // calls that came, by id
  std::map<WorkerId, WorkerBook> workers_;
  std::map<std::string, EndpointBook> endpoints_;
  std::map<domain::BudgetId, BudgetBook> budgets_;
  std::vector<domain::PriceList> lists_;  // the oldest first …
  size_t list_ = 0;                       // … and which is in force
  std::map<std::string, TallyBook> tallies_;
  std::vector<RateBook> rates_;
  std::map<RevisionId, int64_t> memory_mib_;  // of every one that was deployed
  using Time = std::pair<MonoTime, CallId>;
  std::priority_queue<Time, std::vector<Time>, std::greater<>> due_;
  std::vector<CallId> must_end_;   // within this step
  std::vector<CallId> came_back_;  // of a worker that died in this step
  CallId arriving_;                // and refused: it may be answered
  CallId must_cancel_;             // within this step
  bool memory_taken_ = false;      // in this step
  bool store_writable_ = true;
  bool draining_ = false;
  bool drained_ = false;
};

}  // namespace ebb::sim
