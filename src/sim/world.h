// A world that a plan describes: clients that call, and workers that do what they are told, or fail at it in the ways that the plan allows.
//
//   0 … faults_for      clients call, faults happen
//   … kSettleTime more  nothing is done to it: what was broken must be noticed and cleared away
//   then                one call to each endpoint, one after the other, each of which must be served
//   then                a drain
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/node.h"
#include "sim/plan.h"
#include "sim/random.h"

namespace ebb::sim {

class World : public Behaviour {
 public:
  explicit World(const Plan& plan);

  // Deploys, and sets everything going. The node must be this world's.
  void begin(Node& node);
  // Told of refusals, by which some clients try again.
  void refused(MonoTime now, CallId call, const Error& error);
  void recorded(CallId call) { calls_.erase(call); }
  void worker_ended(WorkerId worker) { workers_.erase(worker); }
  // A call that must be served, and the endpoint that it is for; null for others.
  const std::string* must_be_served(CallId call) const;
  MonoTime ends_at() const;

  Course start(const control::StartWorker& start) override;
  Course wake(const control::Unpark& wake) override;
  Course resize(const control::Resize& resize) override;
  nanoseconds park(WorkerId worker) override;
  CallCourse run(const control::Dispatch& dispatch) override;
  nanoseconds cancel(const control::CancelCall& cancel) override;
  nanoseconds kill(const control::KillWorker& kill) override;
  uint64_t memory_bytes(WorkerId worker) override;
  void reached(Node& node, uint64_t tag) override;

 private:
  enum class Tag : uint8_t { kClient, kRetry, kFault, kEndAgain, kQuiet, kProbe, kDrain, kBudget, kPrices, kRate };
  struct Worker {
    const EndpointPlan* plan = nullptr;
    RevisionId revision;
    Random random{0};
    int slots = 0;
    bool parked = false;
    int percent = 100;  // of what it should take
  };
  struct Call {
    Random random{0};
    size_t client = 0;
    int tries = 0;
  };

  void set_tag(MonoTime at, Tag tag, uint64_t index = 0);
  bool faulty(Fault fault) const;
  const EndpointPlan* plan_of(const std::string& endpoint) const;
  void deploy(const EndpointPlan& plan);
  void call_of(size_t client, int tries);
  void client_comes(size_t client);
  void probe(size_t endpoint);
  void be_quiet();
  // world_prices.cc
  void expect_prices();
  void rate_comes(uint64_t tag_index);
  void lift_rates();

  // world_budgets.cc
  void expect_budgets();
  void budget_comes(uint64_t tag_index);
  void set_budget(size_t index);
  void lift_budgets();
  // world_faults.cc
  void fault_comes(Fault fault);
  nanoseconds until_next(Fault fault);
  void lie_about_calls(Random& random);
  void deploy_again(Random& random);
  void crash_or_lie_at_start(WorkerId id, Worker& worker, Course& course);
  void crash_or_hang_in_call(const control::Dispatch& dispatch, const Call& call, CallCourse& course, Random random);

  const Plan& plan_;
  Node* node_ = nullptr;
  MonoTime begun_{};
  bool quiet_ = false;
  uint64_t next_revision_ = 1;
  std::map<RevisionId, domain::Revision> revisions_;
  std::map<std::string, uint64_t> starts_;  // of each endpoint, so far
  std::map<std::string, RevisionId> deployed_;
  std::unordered_map<WorkerId, Worker> workers_;
  std::unordered_map<CallId, Call> calls_;  // of clients; kept while they may be tried again
  std::vector<uint64_t> calls_made_;        // by each client
  std::vector<Random> streams_;             // of each kind of fault
  std::map<CallId, std::string> probes_;
  std::set<domain::BudgetId> budgets_;  // that are set
};

}  // namespace ebb::sim
