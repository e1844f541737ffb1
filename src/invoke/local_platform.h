// The platform on one node: the loop that feeds the pure core and does what it says.
//
//   gateway ── invoke() ──► CallArrived ─┐                          ┌─► fleet: start, park, execute, cancel, kill
//   fleet reports ──► Worker…, Call… ────┼─► control::step(state) ──┼─► streams: text, errors, ends
//   timer, memory, store ──► events ─────┘                          └─► ledger: one usage record for each call
//
// Lives on the server's loop. Nothing here decides; `control/` does, from values.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>

#include "base/ids.h"
#include "control/core.h"
#include "control/view.h"
#include "instance/cpu.h"
#include "instance/fleet.h"
#include "instance/memory.h"
#include "invoke/endpoint_log.h"
#include "invoke/functions.h"
#include "invoke/platform.h"
#include "invoke/wakefulness.h"
#include "io/clock.h"
#include "ledger/usage_log.h"
#include "registry/models.h"
#include "registry/prefix_files.h"
#include "store/catalog.h"

namespace ebb::invoke {

struct PlatformOptions {
  std::string version;
  std::string home;
  control::NodeConfig node;
  registry::PrefixFiles* prefixes = nullptr;  // must outlive the platform; nullptr: workers keep what they knew in memory only
};

class LocalPlatform final : public Platform {
 public:
  // All parts must outlive the platform.
  LocalPlatform(io::Executor executor, const io::Clock& clock, instance::Fleet& fleet, store::Catalog& catalog, registry::Models& models,
                const registry::Images& images, ledger::UsageLog& usage_log, PlatformOptions options);

  // Takes over what the stores know, and starts to serve. Once, before anything else.
  // `used`: what each tenant used of the month.
  Status start(std::map<std::string, store::EndpointTotals> totals, CallId highest_call, std::map<std::string, domain::Use> used);

  // Waits until the spawner has said which layers of confinement hold, at most a few seconds.
  io::Task<std::vector<SandboxLayer>> sandbox();

  // Fails readiness, refuses new calls, lets the running ones finish; comes back when nothing is left.
  io::Task<void> drain();

  // From the ledger: whether usage can be written; posted to the loop by its owner.
  void set_store_writable(bool writable, const std::string& why);

  Result<std::shared_ptr<CallStream>> invoke(domain::Call call) override;
  CallId reserve_ids(size_t count) override;
  Result<domain::Revision> deploy(domain::EndpointSpec spec) override;
  Status remove(const std::string& endpoint) override;
  std::vector<EndpointView> endpoints() const override;
  Result<EndpointView> endpoint(const std::string& name) const override;
  Result<std::vector<DecisionView>> decisions(const std::string& endpoint) const override;
  std::optional<CallView> call(CallId call) const override;
  Result<std::vector<LogLine>> log_lines(const std::string& endpoint, uint64_t after) const override;
  void set_budget(const domain::Budget& budget) override;
  void budget_known(domain::BudgetId budget, domain::Pico spent) override;
  void remove_budget(domain::BudgetId budget) override;
  std::vector<control::Purse> purses() const override;
  void set_prices(const domain::PriceList& prices) override;
  void remove_prices(int64_t version) override;
  void set_limit(const domain::RateLimit& limit) override;
  void remove_limit(const domain::RateLimit& limit) override;
  std::vector<LimitView> limits() const override;
  StatusView status() const override;

 private:
  struct LiveCall {
    domain::Call call;  // kept for a second try
    std::weak_ptr<CallStream> stream;
    WorkerId worker = {};  // once dispatched
    // What was sent of its body, until the worker began with it: at most kBodyWindowBytes.
    std::vector<std::pair<std::string, bool>> body = {};
    bool begun = false;
    bool text_told = false;
    int64_t tokens = 0;  // given out so far
  };

  Status read_function(domain::Revision& revision);
  void feed(control::Event event);
  void perform(const control::Action& action);
  void perform_start(const control::StartWorker& start);
  void perform_dispatch(const control::Dispatch& dispatch);
  void answer(CallId call, const Error& error);
  void record(const domain::UsageRecord& record);
  void record_init(domain::UsageRecord record);
  void wake_at(MonoTime at);
  void send_input(CallId call, std::string piece, bool last);
  void give_credit(CallId call, size_t bytes);

  io::Task<void> read_reports();
  void take(instance::Report report);
  bool push(CallId call, domain::CallEvent event);
  void take_text(instance::CallText text);
  void take_vector(instance::CallVector vector);
  void take_started(const instance::CallStarted& started);
  void take_piece(instance::CallPiece piece);
  void tell_first(CallId call);
  void take_end(CallId call, control::CallEnded ended, domain::CallEvent last);
  void take_gone(const instance::WorkerGone& gone);
  void take_egress(const instance::EgressEnded& ended);
  void tell_progress(WorkerId worker);
  void restart_spawner(const std::string& reason);

  void read_node_memory();
  void tell_readings();
  bool computes_here(const std::string& endpoint) const;
  bool begins_alone();
  bool look_around();
  void look_again();
  void give_back_memory();
  io::Task<void> measure_memory();
  void note(const std::string& endpoint, std::string line);
  std::string endpoint_of(WorkerId worker) const;
  EndpointView view_of(const control::EndpointSummary& summary) const;
  std::vector<DecisionView> decisions_of(const control::EndpointState& endpoint) const;

  io::Executor executor_;
  const io::Clock& clock_;
  instance::Fleet& fleet_;
  store::Catalog& catalog_;
  registry::Models& models_;
  Functions functions_;
  ledger::UsageLog& usage_log_;
  PlatformOptions options_;

  control::State state_;
  control::Rng rng_;
  std::deque<control::Event> events_;  // fed while a step's actions are being done
  bool stepping_ = false;

  IdSource call_ids_;
  uint64_t next_revision_ = 1;
  std::map<CallId, LiveCall> calls_;
  std::map<WorkerId, std::string> worker_endpoints_;
  std::map<WorkerId, MonoTime> progress_told_;
  std::map<std::string, store::EndpointTotals> totals_;
  std::map<std::string, EgressTotals> egress_;
  EndpointLog log_;
  std::vector<SandboxLayer> sandbox_;
  std::string containers_;
  instance::MemoryReadings memory_;
  MonoTime memory_read_{};
  instance::CpuWatch cpu_;
  Wakefulness awake_;
  bool used_since_idle_ = true;   // calls or deployments, since memory was last given back
  CallId arriving_;               // the call whose arrival invoke() is feeding …
  std::optional<Error> refused_;  // … and the core's answer, if it refused it at once

  io::Timer wake_;
  io::Timer spawner_restart_;
  io::Timer cpu_again_;
  io::Timer sandbox_known_;
  io::Timer drained_;
  bool drain_done_ = false;
  io::asio::thread_pool measuring_{1};
};

}  // namespace ebb::invoke
