// A node whose workers do what the trace says.
#include "plan/replay.h"

#include <deque>
#include <unordered_map>

#include "base/check.h"
#include "control/keep_policy.h"
#include "plan/holdings.h"
#include "sim/node.h"

namespace ebb::plan {

namespace {

constexpr nanoseconds kPrepare = milliseconds(20);  // a sandbox without its function
constexpr nanoseconds kPark = milliseconds(1);
constexpr nanoseconds kServedAfterEnd = std::chrono::hours(2);

class Replay : public sim::Behaviour, public sim::Observer {
 public:
  Replay(Trace& trace, const World& world, const Policy& policy)
      : trace_(trace), world_(world), holdings_(trace.length()), node_(options_of(trace, world, policy), *this, this) {
    for (size_t i = 0; i < trace.functions().size(); ++i)
      deploy(i, policy);
    node_.feed(control::ClockRead{.wall = node_.wall()});  // schedules go by it
    outcome_.policy = policy.name;
  }

  Outcome run() {
    trace_.rewind();
    while (const std::optional<TraceCall> call = trace_.next()) {
      node_.run_until(kBegin + call->at);
      calls_.emplace(node_.next_call(), Running{.service = service_of(world_, *call)});
      node_.arrive(trace_.functions()[call->function].name);
    }
    node_.run_until(kBegin + trace_.length());
    // What has arrived is served to its end: how long it waited counts, what is held then does not.
    for (nanoseconds beyond = seconds(1); !calls_.empty() && beyond <= kServedAfterEnd; beyond *= 2)
      node_.run_until(kBegin + trace_.length() + beyond);
    for (const auto& [id, instance] : instances_)
      held_until(instance, trace_.length());
    for (const auto& [id, instance] : instances_) {
      if (instance.running > 0) holdings_.busy(instance.busy_since, trace_.length(), instance.bytes);
    }
    outcome_.calls = node_.next_call().value - 1;
    holdings_.write(outcome_);
    return std::move(outcome_);
  }

  sim::Course start(const control::StartWorker& start) override {
    Instance& instance = instances_[start.worker];
    instance = {.endpoint = index_.at(start.endpoint), .bytes = domain::kInstanceBaseBytes, .born = since_begin()};
    if (start.slots == 0) return {.after = kPrepare, .slots = 0};
    began(instance);
    return {.after = start_of(world_, trace_.functions()[instance.endpoint]), .slots = start.slots};
  }
  sim::Course wake(const control::Unpark& wake) override {
    Instance& instance = instances_.at(wake.worker);
    if (instance.serves) return {.after = nanoseconds{0}, .slots = wake.slots};
    began(instance);
    return {.after = start_of(world_, trace_.functions()[instance.endpoint]), .slots = wake.slots};
  }
  sim::Course resize(const control::Resize& resize) override { return {.after = nanoseconds{0}, .slots = resize.slots}; }
  nanoseconds park(WorkerId) override { return kPark; }
  sim::CallCourse run(const control::Dispatch& dispatch) override {
    Running& call = calls_.at(dispatch.call);
    call.worker = dispatch.worker;
    Instance& instance = instances_.at(dispatch.worker);
    if (instance.running++ == 0) instance.busy_since = instance.used ? since_begin() : std::max(instance.born, since_begin() - dispatch.start);
    if (instance.ahead && !instance.used && dispatch.start.count() > 0) ++outcome_.cold;  // too late for this one
    instance.used = true;
    outcome_.call_gib_s += std::chrono::duration<double>(call.service).count() * static_cast<double>(instance.bytes) / static_cast<double>(1ULL << 30U);
    return {.ends = call.service, .silent = true};
  }
  nanoseconds cancel(const control::CancelCall&) override { return kPark; }
  nanoseconds kill(const control::KillWorker&) override { return kPark; }
  uint64_t memory_bytes(WorkerId worker) override { return instances_.at(worker).bytes; }
  void reached(sim::Node&, uint64_t) override {}

  void recorded(MonoTime now, const domain::UsageRecord& record) override {
    const auto call = calls_.find(record.call);
    if (call == calls_.end()) return;  // the start of an instance
    outcome_.waiting += record.tier == domain::Tier::kCold ? 1 : 0;
    outcome_.refused += record.outcome == domain::Outcome::kOk ? 0 : 1;
    outcome_.waited_s += std::chrono::duration<double>(record.queued).count();
    const auto instance = instances_.find(call->second.worker);
    if (instance != instances_.end() && --instance->second.running == 0) holdings_.busy(instance->second.busy_since, now - kBegin, instance->second.bytes);
    calls_.erase(call);
  }
  void refused(MonoTime, CallId call, const Error&) override {
    if (const auto found = calls_.find(call); found != calls_.end() && !found->second.worker) ++outcome_.refused;
  }
  void worker_ended(MonoTime now, WorkerId worker) override {
    const auto found = instances_.find(worker);
    if (found == instances_.end()) return;
    held_until(found->second, now - kBegin);
    outcome_.in_vain += found->second.serves && !found->second.used ? 1 : 0;
    instances_.erase(found);
  }

 private:
  static constexpr MonoTime kBegin{seconds(1'000)};

  struct Instance {
    size_t endpoint = 0;
    uint64_t bytes = 0;
    nanoseconds born{0};
    bool serves = false;  // has its function
    bool ahead = false;   // was started before a call
    bool used = false;
    int running = 0;
    nanoseconds busy_since{0};
  };
  struct Running {
    nanoseconds service{0};
    WorkerId worker = {};
  };

  static sim::NodeOptions options_of(const Trace& trace, const World& world, const Policy& policy) {
    return {.config = {.memory_limit_bytes = world.memory_cap_bytes,
                       .memory_reserve_bytes = 0,
                       .cores = 1,
                       .worth_byte_seconds = control::kWorthByteSeconds * policy.worth},
            .begin = kBegin,
            .wall = trace.begin()};
  }

  void deploy(size_t index, const Policy& policy) {
    const TraceFunction& function = trace_.functions()[index];
    const Settings* const own = settings_for(policy.endpoints, function.name);
    const Settings settings = own != nullptr ? *own : Settings{};
    domain::EndpointSpec spec{.name = function.name,
                              .engine = settings.engine,
                              .memory_mib = static_cast<int64_t>(bytes_of(index) >> 20U),
                              .scaling = settings.scaling,
                              .limits = settings.limits};
    Result<domain::Revision> revision = domain::make_revision(RevisionId{index + 1}, std::move(spec), std::nullopt, WallTime{});
    EBB_CHECK(revision);
    if (settings.engine == domain::Engine::kContainer) revision->calls_per_instance = calls_per_instance(world_, function);
    index_[function.name] = index;
    node_.feed(control::RevisionDeployed{std::move(*revision)});
  }

  nanoseconds since_begin() const { return node_.now() - kBegin; }
  uint64_t bytes_of(size_t endpoint) const { return plan::bytes_of(world_, trace_.functions()[endpoint]); }
  void held_until(const Instance& instance, nanoseconds at) {
    if (instance.serves)
      holdings_.held(instance.born, at, instance.bytes);
    else
      holdings_.prepared(instance.born, at, instance.bytes);
  }
  // From here on it holds what its function may take.
  void began(Instance& instance) {
    held_until(instance, since_begin());
    instance.born = since_begin();
    instance.bytes = bytes_of(instance.endpoint);
    instance.serves = true;
    instance.ahead = node_.state().endpoints.find(trace_.functions()[instance.endpoint].name)->second.waiting.empty();
    outcome_.cold += instance.ahead ? 0 : 1;
  }

  Trace& trace_;
  const World& world_;
  Holdings holdings_;
  Outcome outcome_;
  std::unordered_map<std::string, size_t> index_;
  std::unordered_map<WorkerId, Instance> instances_;
  std::unordered_map<CallId, Running> calls_;  // that wait or run
  sim::Node node_;
};

}  // namespace

Outcome replay(Trace& trace, const World& world, const Policy& policy) { return Replay(trace, world, policy).run(); }

}  // namespace ebb::plan
