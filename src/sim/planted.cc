// The bugs, one function each.
#include "sim/planted.h"

#include <array>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "domain/zone.h"

namespace ebb::sim {

namespace {

using control::Action;
using control::Actions;

// What the bugs have to work with: the step, and what they remember.
struct Scene {
  Actions actions;
  std::map<CallId, WorkerId> runs_in;
  std::set<CallId> cancelled;
  uint64_t strikes = 0;

  // Every so many-th time.
  bool strike(uint64_t many) { return ++strikes % many == 0; }
};

// What a budget goes on holding, or holds a second time.
struct Kept {
  CallId call;
  domain::BudgetId in;
  domain::Pico amount = 0;
};

template <class A>
A* first_of(Actions& actions) {
  for (Action& action : actions)
    if (A* const found = std::get_if<A>(&action.act)) return found;
  return nullptr;
}
template <class A>
void drop_first(Actions& actions) {
  for (auto action = actions.begin(); action != actions.end(); ++action)
    if (std::holds_alternative<A>(action->act)) {
      actions.erase(action);
      return;
    }
}
template <class A>
void again(Actions& actions) {
  if (const A* const found = first_of<A>(actions)) actions.push_back({.act = A(*found), .decision = {}});
}
void add(Actions& actions, control::Act act) { actions.push_back({.act = std::move(act), .decision = {}}); }

// What the core is told instead; false: nothing.
bool falsify_event(std::string_view bug, Scene& scene, control::Event& event) {
  if (bug == "forgets-death") return !(std::holds_alternative<control::WorkerDied>(event) && scene.strike(3));
  if (bug == "tries-twice") return !std::holds_alternative<control::CallFirstText>(event) && !std::holds_alternative<control::CallCommitted>(event);
  if (bug == "leaks-slot") {
    const auto* ended = std::get_if<control::CallEnded>(&event);
    return ended == nullptr || !scene.cancelled.contains(ended->call);
  }
  if (bug == "admits-blindly") {
    if (auto* readings = std::get_if<control::Readings>(&event)) {
      for (control::WorkerMemory& worker : readings->workers)
        worker.pss_bytes /= 8;
      readings->node_available_bytes += 1ULL << 40U;
    }
  }
  if (bug == "class-blind") {
    if (auto* arrived = std::get_if<control::CallArrived>(&event)) arrived->priority = domain::Priority::kNormal;
  }
  if (bug == "slots-beyond") {
    if (auto* ready = std::get_if<control::WorkerReady>(&event); ready != nullptr && ready->slots > 0) ++ready->slots;
  }
  if (bug == "forgets-history") {
    if (auto* known = std::get_if<control::BudgetKnown>(&event)) known->spent = 0;
  }
  if (bug == "only-tells") {
    if (auto* set = std::get_if<control::BudgetSet>(&event)) set->budget.hard = false;
  }
  if (bug == "forgets-month") return !std::holds_alternative<control::UsedBefore>(event);
  if (bug == "nothing-free") {
    if (auto* set = std::get_if<control::PricesSet>(&event)) set->prices.free = {};
  }
  if (bug == "too-fast") {
    if (auto* set = std::get_if<control::RateSet>(&event)) ++set->limit.amount;
  }
  if (bug == "ignores-max-cost") {
    if (auto* arrived = std::get_if<control::CallArrived>(&event)) arrived->max_cost.reset();
  }
  return true;
}

// A clock that was set back opens the earlier period anew.
void turn_back(control::Purse& purse, WallTime wall) {
  if (wall >= purse.span.from) return;
  purse.span = domain::span_of(purse.budget.period, **domain::find_zone(purse.budget.zone), wall);
  purse.spent = 0;
}

void falsify_budgets(std::string_view bug, control::State& state, const control::Event& event) {
  if (bug == "prices-anew") {
    for (auto& [id, call] : state.calls)
      call.prices = state.prices;
  }
  if (bug != "turns-back") return;
  if (const auto* arrived = std::get_if<control::CallArrived>(&event)) {
    for (auto& [id, purse] : state.purses)
      turn_back(purse, arrived->wall);
  }
}

// Before the step.
std::vector<Kept> kept_too_long(std::string_view bug, const control::State& state, const control::Event& event) {
  std::vector<Kept> kept;
  const auto keep = [&](CallId id, const control::CallState& call) {
    for (const domain::BudgetId in : call.held_in)
      kept.push_back({.call = id, .in = in, .amount = call.reserved});
  };
  if (const auto* left = std::get_if<control::CallLeft>(&event); left != nullptr && bug == "keeps-hold") {
    const auto call = state.calls.find(left->call);
    if (call != state.calls.end() && !call->second.worker) keep(call->first, call->second);
  }
  if (const auto* died = std::get_if<control::WorkerDied>(&event); died != nullptr && bug == "holds-twice") {
    for (const auto& [id, call] : state.calls)
      if (call.worker == died->worker) keep(id, call);
  }
  return kept;
}

// After it: as spent, since the core's own checks would see what is held for nobody.
void keep(std::string_view bug, control::State& state, const std::vector<Kept>& kept) {
  for (const Kept& one : kept) {
    if (bug == "holds-twice" && !state.calls.contains(one.call)) continue;  // not tried again
    if (const auto purse = state.purses.find(one.in); purse != state.purses.end()) purse->second.spent += one.amount;
  }
}

void falsify_actions(std::string_view bug, Scene& scene, const control::Event& event) {
  Actions& actions = scene.actions;
  if (bug == "loses-wake" && scene.strike(4)) drop_first<control::WakeAt>(actions);
  if (bug == "dispatches-twice") again<control::Dispatch>(actions);
  if (bug == "drops-record" && scene.strike(7)) drop_first<control::RecordUsage>(actions);
  if (bug == "records-twice") again<control::RecordUsage>(actions);
  if (bug == "kills-busy" && !scene.runs_in.empty() && scene.strike(50))
    add(actions, control::KillWorker{.worker = scene.runs_in.begin()->second, .reason = "no reason"});
  if (bug == "parks-busy" && !scene.runs_in.empty() && scene.strike(50)) add(actions, control::Park{.worker = scene.runs_in.begin()->second});
  if (bug == "forgets-cancel") drop_first<control::CancelCall>(actions);
  if (bug == "loses-hold") drop_first<control::HoldCall>(actions);
  if (bug == "loses-resume") drop_first<control::ResumeCall>(actions);
  if (bug == "bills-too-much") {
    if (auto* usage = first_of<control::RecordUsage>(actions); usage != nullptr && usage->record.busy.count() > 0 && scene.strike(5))
      usage->record.busy += nanoseconds(1);
  }
  if (bug == "settles-uncapped") {
    if (auto* usage = first_of<control::RecordUsage>(actions); usage != nullptr && usage->record.cost > 0) usage->record.cost = usage->record.list_cost;
  }
  if (bug == "thread-too-many") {
    if (auto* threads = first_of<control::SetThreads>(actions)) ++threads->threads;
  }
  if (bug == "jumps-queue") {
    std::vector<control::Dispatch*> all;
    for (Action& action : actions)
      if (auto* dispatch = std::get_if<control::Dispatch>(&action.act)) all.push_back(dispatch);
    if (all.size() > 1) std::swap(all.front()->call, all.back()->call);
  }
  if (bug == "answers-late") {
    if (const auto* usage = first_of<control::RecordUsage>(actions))
      add(actions, control::AnswerError{.call = usage->record.call, .error = {.kind = ErrorKind::kTimeout, .message = "too late"}});
  }
  if (bug == "loses-refusal" && std::holds_alternative<control::CallArrived>(event)) drop_first<control::AnswerError>(actions);
  if (bug == "drained-early" && std::holds_alternative<control::DrainRequested>(event)) add(actions, control::Drained{});
}

constexpr std::array kNames{
    PlantedName{"loses-wake", "every fourth step asks for no wake-up"},
    PlantedName{"dispatches-twice", "a call goes to its worker twice"},
    PlantedName{"drops-record", "some calls have no usage record"},
    PlantedName{"records-twice", "each call has two usage records"},
    PlantedName{"kills-busy", "a worker that runs calls is killed for nothing"},
    PlantedName{"parks-busy", "a worker that runs calls is parked"},
    PlantedName{"forgets-cancel", "a call whose client left runs on"},
    PlantedName{"forgets-death", "the death of some workers is not noticed"},
    PlantedName{"tries-twice", "a call is tried again after its first text"},
    PlantedName{"class-blind", "every call is taken for a normal one"},
    PlantedName{"loses-hold", "a call that is to stand back is not told"},
    PlantedName{"loses-resume", "a call that stood back is not told to go on"},
    PlantedName{"bills-too-much", "some bills are one nanosecond too high"},
    PlantedName{"admits-blindly", "memory is counted as an eighth of what it is"},
    PlantedName{"thread-too-many", "a worker has one thread more than its share"},
    PlantedName{"slots-beyond", "a worker gets one call more than it has slots"},
    PlantedName{"jumps-queue", "two calls of the queue change places"},
    PlantedName{"leaks-slot", "the slot of a cancelled call is never free"},
    PlantedName{"answers-late", "a call is answered after its record"},
    PlantedName{"loses-refusal", "a call that is refused is not told"},
    PlantedName{"drained-early", "the server may end while calls run"},
    PlantedName{"keeps-hold", "what is held for a call that waits is kept when its client leaves"},
    PlantedName{"holds-twice", "a call that is tried again holds a second time"},
    PlantedName{"turns-back", "a clock that is set back opens an earlier period anew"},
    PlantedName{"settles-uncapped", "a call costs more than was held for it"},
    PlantedName{"forgets-history", "what was spent before a budget was set is not counted"},
    PlantedName{"only-tells", "a hard budget is taken for one that only tells"},
    PlantedName{"forgets-month", "what was used of a month before is not counted"},
    PlantedName{"nothing-free", "what a price list leaves free is paid"},
    PlantedName{"prices-anew", "a call pays by the list that is in force when it ends"},
    PlantedName{"too-fast", "a limit by rate lets more through"},
    PlantedName{"ignores-max-cost", "what a caller allows is not looked at"},
};

class Planted : public Stepper {
 public:
  explicit Planted(std::string_view bug) : bug_(bug) {}

  Actions step(control::State& state, const control::Event& event, MonoTime now, control::Rng& rng) override {
    control::Event told = event;
    const bool tell = falsify_event(bug_, scene_, told);
    falsify_budgets(bug_, state, told);
    const std::vector<Kept> kept = kept_too_long(bug_, state, told);
    scene_.actions = control::step(state, tell ? told : control::Event(control::TimeReached{}), now, rng);
    forget(event);
    keep(bug_, state, kept);
    falsify_actions(bug_, scene_, event);
    remember();
    return std::exchange(scene_.actions, {});
  }

 private:
  void forget(const control::Event& event) {
    if (const auto* left = std::get_if<control::CallLeft>(&event); left != nullptr && scene_.runs_in.contains(left->call)) scene_.cancelled.insert(left->call);
    if (const auto* died = std::get_if<control::WorkerDied>(&event)) std::erase_if(scene_.runs_in, [&](const auto& run) { return run.second == died->worker; });
  }
  void remember() {
    for (const Action& action : scene_.actions) {
      if (const auto* dispatch = std::get_if<control::Dispatch>(&action.act)) scene_.runs_in[dispatch->call] = dispatch->worker;
      if (const auto* usage = std::get_if<control::RecordUsage>(&action.act)) scene_.runs_in.erase(usage->record.call);
    }
  }

  std::string_view bug_;
  Scene scene_;
};

}  // namespace

std::span<const PlantedName> planted_names() { return kNames; }

std::unique_ptr<Stepper> make_planted(std::string_view name) {
  for (const PlantedName& planted : kNames)
    if (planted.name == name) return std::make_unique<Planted>(planted.name);
  return nullptr;
}

}  // namespace ebb::sim
