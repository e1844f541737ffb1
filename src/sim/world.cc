// Clients, and workers as they are when nothing goes wrong.
#include "sim/world.h"

#include <algorithm>

#include "base/check.h"
#include "domain/limits.h"

namespace ebb::sim {

namespace {

enum : uint64_t { kOfFault = 10, kOfWorker, kOfCall, kOfCost };

// Past every bound of failure_policy.h in a row: a load that hangs, a call that hangs, the longest back-off.
constexpr seconds kSettleTime{300};
constexpr seconds kProbeEvery{60};
constexpr seconds kDrainTime{45};
constexpr int kTriesMax = 3;
constexpr unsigned kTriesBits = 2;
constexpr unsigned kTagShift = 48;

}  // namespace

World::World(const Plan& plan) : plan_(plan), calls_made_(plan.clients.size()) {
  for (uint64_t i = 0; i < kFaults; ++i)
    streams_.emplace_back(std::initializer_list<uint64_t>{plan.seed, kOfFault, i});
}

MonoTime World::ends_at() const { return begun_ + plan_.faults_for + kSettleTime + kProbeEvery * static_cast<int64_t>(plan_.endpoints.size()) + kDrainTime; }

void World::set_tag(MonoTime at, Tag tag, uint64_t index) { node_->tag_at(at, (static_cast<uint64_t>(tag) << kTagShift) | index); }

void World::begin(Node& node) {
  node_ = &node;
  begun_ = node.now();
  for (const EndpointPlan& endpoint : plan_.endpoints)
    deploy(endpoint);
  for (size_t i = 0; i < plan_.clients.size(); ++i)
    set_tag(begun_ + plan_.clients[i].every / 2, Tag::kClient, i);
  for (int i = 0; i < kFaults; ++i)
    if (plan_.faults.has(static_cast<Fault>(i))) set_tag(begun_ + until_next(static_cast<Fault>(i)), Tag::kFault, static_cast<uint64_t>(i));
  expect_budgets();
  expect_prices();
  const MonoTime quiet = begun_ + plan_.faults_for;
  set_tag(quiet, Tag::kQuiet);
  for (size_t i = 0; i < plan_.endpoints.size(); ++i)
    set_tag(quiet + kSettleTime + kProbeEvery * static_cast<int64_t>(i), Tag::kProbe, i);
  set_tag(ends_at() - kDrainTime, Tag::kDrain);
}

void World::reached(Node& node, uint64_t tag) {
  const uint64_t index = tag & ((1ULL << kTagShift) - 1);
  switch (static_cast<Tag>(tag >> kTagShift)) {
    case Tag::kClient: return client_comes(index);
    case Tag::kRetry: return quiet_ ? void() : call_of(index >> kTriesBits, static_cast<int>(index & kTriesMax) + 1);
    case Tag::kFault: return quiet_ ? void() : fault_comes(static_cast<Fault>(index));
    case Tag::kEndAgain:
      // The channel knows what runs: of a call that was tried again, the former worker cannot say anything.
      return node.runs(CallId{index}) ? void() : node.feed(control::CallEnded{.call = CallId{index}});
    case Tag::kQuiet: return be_quiet();
    case Tag::kProbe: return probe(index);
    case Tag::kDrain: return node.feed(control::DrainRequested{});
    case Tag::kBudget: return quiet_ ? void() : budget_comes(index);
    case Tag::kPrices: return node.feed(control::PricesSet{plan_.prices[index].list});
    case Tag::kRate: return quiet_ ? void() : rate_comes(index);
  }
}

bool World::faulty(Fault fault) const { return !quiet_ && plan_.faults.has(fault); }

const EndpointPlan* World::plan_of(const std::string& endpoint) const {
  const auto found = std::ranges::find(plan_.endpoints, endpoint, &EndpointPlan::name);
  return found == plan_.endpoints.end() ? nullptr : &*found;
}

void World::deploy(const EndpointPlan& plan) {
  const RevisionId id{next_revision_++};
  const domain::Revision revision = revision_of(plan, id);
  revisions_.emplace(id, revision);
  deployed_[plan.name] = id;
  node_->feed(control::RevisionDeployed{revision});
}

void World::call_of(size_t client, int tries) {
  const ClientPlan& plan = plan_.clients[client];
  Random random{plan.seed, kOfCall, ++calls_made_[client]};
  MonoTime deadline = MonoTime::max();
  if (random.percent(plan.deadline_percent)) deadline = node_->now() + random.between(milliseconds(0), milliseconds(5'000));
  const bool leaves = random.percent(plan.leaves_percent);
  const nanoseconds stays = random.between(nanoseconds(0), milliseconds(random.one_in(2) ? 100 : 4'000));
  // Told before it comes, since what becomes of it is decided in the same step.
  const CallId next = node_->next_call();
  calls_.emplace(next, Call{.random = random, .client = client, .tries = tries});
  Who who{.priority = plan.priority, .tenant = plan.tenant, .key = plan.key};
  if (plan.max_cost_percent > 0 && Random{plan.seed, kOfCost, calls_made_[client]}.percent(plan.max_cost_percent)) who.max_cost = plan.max_cost;
  node_->arrive(plan.endpoint, deadline, random.one_in(50), std::move(who));
  if (leaves) node_->leave_at(node_->now() + stays, next);
}

void World::client_comes(size_t client) {
  if (quiet_) return;
  const ClientPlan& plan = plan_.clients[client];
  for (int i = 0; i < plan.burst && !node_->stopped(); ++i)
    call_of(client, 1);
  Random random{plan.seed, calls_made_[client]};
  const nanoseconds pause = plan.rhythm == Rhythm::kRandom ? random.between(nanoseconds(1), plan.every * 2) : plan.every;
  set_tag(node_->now() + pause, Tag::kClient, client);
}

void World::refused(MonoTime now, CallId id, const Error& error) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  const Call& call = found->second;
  // As told, or at once, as many clients do.
  const nanoseconds pause = call.tries % 2 == 1 ? std::max<nanoseconds>(error.retry_after, milliseconds(100)) : nanoseconds(0);
  if (plan_.clients[call.client].retries && call.tries <= kTriesMax)
    set_tag(now + pause, Tag::kRetry, (call.client << kTriesBits) | static_cast<uint64_t>(call.tries));
}

void World::be_quiet() {
  quiet_ = true;
  node_->set_available(plan_.available_bytes);
  node_->set_cores_elsewhere(0);
  node_->feed(control::StoreWritable{.writable = true, .why = {}});
  for (auto& [id, worker] : workers_)
    worker.percent = 100;
  lift_budgets();
  lift_rates();
}

void World::probe(size_t index) {
  const EndpointPlan& plan = plan_.endpoints[index];
  if (!deployed_.contains(plan.name)) return;
  const CallId call = node_->next_call();
  // Whoever may wait only shortly, or run only shortly, need not be served by a worker that has to be started first.
  const bool patient = plan.limits.wait > plan.load * 2 + seconds(6) && plan.limits.time > plan.service * 4 + seconds(1);
  if (patient) probes_[call] = plan.name;
  node_->arrive(plan.name);
}

const std::string* World::must_be_served(CallId call) const {
  const auto found = probes_.find(call);
  return found == probes_.end() ? nullptr : &found->second;
}

Course World::start(const control::StartWorker& start) {
  const EndpointPlan* plan = plan_of(start.endpoint);
  EBB_CHECK(plan != nullptr);
  Worker worker{.plan = plan, .revision = start.revision, .random = Random{plan->seed, kOfWorker, ++starts_[start.endpoint]}, .slots = start.slots};
  if (faulty(Fault::kMemory) && worker.random.one_in(3)) worker.percent = static_cast<int>(worker.random.between(50, 130));
  Course course{.after = worker.random.between(plan->load / 2, plan->load * 2), .slots = start.slots};
  crash_or_lie_at_start(start.worker, worker, course);
  workers_.insert_or_assign(start.worker, worker);
  return course;
}

Course World::wake(const control::Unpark& wake) {
  Worker& worker = workers_.at(wake.worker);
  worker.slots = wake.slots;
  worker.parked = false;
  Course course{.after = worker.random.between(milliseconds(1), milliseconds(60)), .slots = wake.slots};
  if (faulty(Fault::kRefuse) && worker.plan->serves != Serves::kFunction && worker.random.one_in(6)) {
    course.slots = worker.slots = 0;
    worker.parked = true;
  }
  if (faulty(Fault::kHang) && worker.random.one_in(30)) course.after = kNever;
  if (faulty(Fault::kCrashAtStart) && worker.random.one_in(20)) node_->die(wake.worker, node_->now() + worker.random.between(nanoseconds(0), course.after), 1);
  return course;
}

Course World::resize(const control::Resize& resize) {
  Worker& worker = workers_.at(resize.worker);
  if (!faulty(Fault::kRefuse) || !worker.random.one_in(4)) worker.slots = resize.slots;
  Course course{.after = worker.random.between(milliseconds(1), milliseconds(30)), .slots = worker.slots};
  if (faulty(Fault::kHang) && worker.random.one_in(60)) course.after = kNever;
  return course;
}

nanoseconds World::park(WorkerId id) {
  Worker& worker = workers_.at(id);
  worker.slots = worker.plan->serves == Serves::kFunction ? worker.slots : 0;
  worker.parked = true;
  if (faulty(Fault::kHang) && worker.random.one_in(40)) return kNever;
  return worker.random.between(microseconds(100), milliseconds(40));
}

CallCourse World::run(const control::Dispatch& dispatch) {
  const Worker& worker = workers_.at(dispatch.worker);
  const auto found = calls_.find(dispatch.call);
  Random random = found == calls_.end() ? Random{plan_.seed, kOfCall, dispatch.call.value} : found->second.random;
  const nanoseconds time = random.between(worker.plan->service / 4, worker.plan->service * 3);
  CallCourse course{.first_text = random.between(time / 10, time), .ends = time, .prompt_tokens = 5, .completion_tokens = 3};
  if (worker.plan->serves == Serves::kFunction) course.committed = microseconds(500);
  if (found == calls_.end()) return course;
  if (random.one_in(30)) course.outcome = worker.plan->serves == Serves::kFunction ? domain::Outcome::kFailed : domain::Outcome::kRefused;
  if (course.outcome == domain::Outcome::kRefused) course.first_text = kNever;
  crash_or_hang_in_call(dispatch, found->second, course, random);
  return course;
}

nanoseconds World::cancel(const control::CancelCall& cancel) {
  Worker& worker = workers_.at(cancel.worker);
  if (faulty(Fault::kIgnoreCancel) && worker.random.one_in(5)) return kNever;
  return worker.random.between(nanoseconds(0), milliseconds(80));
}

nanoseconds World::kill(const control::KillWorker& kill) {
  Worker& worker = workers_.at(kill.worker);
  return kill.grace.count() > 0 ? worker.random.between(milliseconds(1), nanoseconds(kill.grace)) : worker.random.between(microseconds(100), milliseconds(300));
}

uint64_t World::memory_bytes(WorkerId id) {
  const auto found = workers_.find(id);
  if (found == workers_.end()) return 0;
  const Worker& worker = found->second;
  const domain::Revision& revision = revisions_.at(worker.revision);
  if (revision.by_instances() && worker.slots == 0) return domain::kInstanceBaseBytes / 2;
  // Weights are mapped once, and stay so in a parked worker: each that maps them has its share.
  const auto mapping = std::ranges::count_if(workers_, [&](const auto& other) { return other.second.plan == worker.plan && node_->lives(other.first); });
  const uint64_t weights = revision.weights_bytes();
  const uint64_t own = bytes_with(revision, worker.parked ? 0 : worker.slots) - weights;
  return (own / 100 * static_cast<uint64_t>(worker.percent)) + (weights / static_cast<uint64_t>(std::max<int64_t>(mapping, 1)));
}

}  // namespace ebb::sim
