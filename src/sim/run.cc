// A run, observed.
#include "sim/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <memory>

#include "sim/planted.h"
#include "sim/trace.h"
#include "sim/world.h"

namespace ebb::sim {

namespace {

class Watch : public Observer {
 public:
  Watch(const Plan& plan, World& world, size_t story_max) : plan_(plan), world_(world), checkers_(plan.config), story_max_(story_max) {}

  void watch(Node& node) { node_ = &node; }

  void stepped(MonoTime now, const control::Event& event, const control::Actions& actions, const control::State& state) override {
    hash_.add(now);
    hash_.add(event);
    for (const control::Action& action : actions)
      hash_.add(action.act);
    if (story_max_ > 0) tell(now, event, actions);
    checkers_.check(now, event, actions, state);
    if (checkers_.broken()) node_->stop();
  }
  void recorded(MonoTime, const domain::UsageRecord& record) override {
    const std::string* const endpoint = world_.must_be_served(record.call);
    if (endpoint != nullptr && record.outcome != domain::Outcome::kOk)
      fail("progress", fmt::format("long after the last fault a call for '{}' is not served: {}", *endpoint, to_string(record.outcome)));
    world_.recorded(record.call);
  }
  void worker_ended(MonoTime, WorkerId worker) override { world_.worker_ended(worker); }
  void refused(MonoTime now, CallId call, const Error& error) override {
    if (const std::string* const endpoint = world_.must_be_served(call))
      fail("progress", fmt::format("long after the last fault a call for '{}' is refused: {}", *endpoint, error.message));
    world_.refused(now, call, error);
  }

  // Where nothing takes more than it says, what was admitted is what they take. After a deployment weights that two workers share become one's own when the
  // other ends, which is known with the next reading only.
  void memory_held(MonoTime, uint64_t bytes) override {
    if (plan_.faults.has(Fault::kMemory) || plan_.faults.has(Fault::kLieReady) || plan_.faults.has(Fault::kDeploy) || bytes <= plan_.config.memory_limit_bytes)
      return;
    fail("memory taken", fmt::format("all workers together take {} MiB, and may take {} MiB", bytes >> 20U, plan_.config.memory_limit_bytes >> 20U));
  }

  Checkers& checkers() { return checkers_; }
  uint64_t hash() const { return hash_.value(); }
  std::vector<std::string> story() const { return {story_.begin(), story_.end()}; }

 private:
  void fail(std::string_view rule, std::string what) {
    checkers_.fail(rule, std::move(what));
    node_->stop();
  }
  void tell(MonoTime now, const control::Event& event, const control::Actions& actions) {
    // What changed nothing is left out, where it comes all the time.
    const bool often = std::holds_alternative<control::Readings>(event) || std::holds_alternative<control::TimeReached>(event) ||
                       std::holds_alternative<control::WorkerProgress>(event);
    const bool dull = often && std::ranges::all_of(actions, [](const control::Action& action) {
                        return std::holds_alternative<control::WakeAt>(action.act) || std::holds_alternative<control::SetThreads>(action.act);
                      });
    if (dull) return;
    const int64_t us = (now - begun_).count() / 1'000;
    line(fmt::format("{:>7}.{:06} s  {}", us / 1'000'000, us % 1'000'000, words(event)));
    for (const control::Action& action : actions)
      line(fmt::format("{:>16}    -> {}", "", words(action.act)));
  }
  void line(std::string text) {
    story_.push_back(std::move(text));
    if (story_.size() > story_max_) story_.pop_front();
  }

  const Plan& plan_;
  World& world_;
  Checkers checkers_;
  Node* node_ = nullptr;
  TraceHash hash_;
  size_t story_max_;
  MonoTime begun_ = NodeOptions{}.begin;
  std::deque<std::string> story_;
};

}  // namespace

RunOutcome run(const Plan& plan, const RunOptions& options) {
  World world(plan);
  Watch watch(plan, world, options.story_max);
  const std::unique_ptr<Stepper> planted = make_planted(options.planted);
  Node node({.config = plan.config, .seed = plan.seed, .wall = plan.wall, .readings_every = plan.readings_every, .available_bytes = plan.available_bytes},
            world, &watch, planted.get());
  watch.watch(node);
  const MonoTime begun = node.now();
  world.begin(node);
  if (!watch.checkers().broken() && node.run_until(world.ends_at())) watch.checkers().check_end();
  return {.hash = watch.hash(),
          .events = node.events(),
          .calls = node.next_call().value - 1,
          .time = node.now() - begun,
          .broken = watch.checkers().broken(),
          .story = watch.story()};
}

Shrunk shrink(const Plan& plan, const RunOutcome& failed, const RunOptions& options) {
  Shrunk best{.plan = plan, .outcome = failed};
  const auto try_plan = [&](const Plan& smaller) {
    RunOutcome outcome = run(smaller, options);
    ++best.runs;
    if (!outcome.broken || outcome.broken->rule != failed.broken->rule) return false;
    best.plan = smaller;
    best.outcome = std::move(outcome);
    return true;
  };
  for (int fault = 0; fault < kFaults; ++fault) {
    Plan smaller = best.plan;
    smaller.faults.remove(static_cast<Fault>(fault));
    if (smaller.faults.bits != best.plan.faults.bits) try_plan(smaller);
  }
  for (size_t i = best.plan.endpoints.size(); i-- > 0;) {
    Plan smaller = best.plan;
    const std::string name = smaller.endpoints[i].name;
    smaller.endpoints.erase(smaller.endpoints.begin() + static_cast<std::ptrdiff_t>(i));
    std::erase_if(smaller.clients, [&](const ClientPlan& client) { return client.endpoint == name; });
    if (!smaller.endpoints.empty()) try_plan(smaller);
  }
  for (size_t i = best.plan.clients.size(); i-- > 0;) {
    Plan smaller = best.plan;
    smaller.clients.erase(smaller.clients.begin() + static_cast<std::ptrdiff_t>(i));
    try_plan(smaller);
  }
  for (size_t i = best.plan.budgets.size(); i-- > 0;) {
    Plan smaller = best.plan;
    smaller.budgets.erase(smaller.budgets.begin() + static_cast<std::ptrdiff_t>(i));
    try_plan(smaller);
  }
  for (size_t i = best.plan.rates.size(); i-- > 0;) {
    Plan smaller = best.plan;
    smaller.rates.erase(smaller.rates.begin() + static_cast<std::ptrdiff_t>(i));
    try_plan(smaller);
  }
  for (size_t i = best.plan.prices.size(); i-- > 0;) {
    Plan smaller = best.plan;
    smaller.prices.erase(smaller.prices.begin() + static_cast<std::ptrdiff_t>(i));
    try_plan(smaller);
  }
  // What comes after the failure is not needed, and what comes long before it may not be.
  for (int part = 8; part > 1; part /= 2) {
    Plan smaller = best.plan;
    smaller.faults_for = smaller.faults_for / part;
    if (try_plan(smaller)) break;
  }
  return best;
}

}  // namespace ebb::sim
