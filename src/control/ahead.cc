// A start before a call that is expected, by a habit or because calls grow: when it pays, and what goes for it where memory is short.
//
// Where there is room, memory is worth what the node says. Where there is none, it is worth what those lose who would go: a start ahead is then weighed against
// the one of them that is worth most, and is to be surer of its call (kSureOfIt). What was given up for others is thus back before its habit's next call.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "control/keep_policy.h"
#include "control/stepping.h"

namespace ebb::control {

namespace {

// A start is over before it is needed.
constexpr int kStartsEarlier = 2;
// Memory is on its way.
constexpr milliseconds kLookAgain{100};
// A wait for each byte and second: of memory that nobody else wants.
constexpr double kPriceLeast = 1e-18;

bool serves(const State& state, const EndpointState& endpoint) {
  return std::ranges::any_of(endpoint.live, [&](WorkerId id) { return !is_prepared(state.workers.at(id)); });
}

Stake stake_of_next(const State& state, const EndpointState& endpoint) {
  const uint64_t bytes = endpoint.measured_bytes.value_or(endpoint.revision.by_instances() ? endpoint.revision.slot_bytes() : domain::kWorkerBaseBytes);
  const uint64_t weights = endpoint.revision.weights_bytes();
  const double to_others = 1 / std::max(endpoint.expected_price, kPriceLeast);
  return {.bytes = std::max(bytes > weights ? bytes - weights : 0, domain::kInstanceBaseBytes),
          .saves = start_takes(endpoint),
          // Its owner's time to keep it is not for the node to weigh.
          .worth_byte_seconds = endpoint.scaling.keep ? to_others : std::min(to_others, state.node.worth_byte_seconds),
          .sure = endpoint.expected_price > 0 ? kSureOfIt : 0};
}

Hold next_of(const State& state, const EndpointState& endpoint, nanoseconds age) {
  return hold_at(endpoint.demand.gaps.of(0), endpoint.demand.others(0, state.gaps), stake_of_next(state, endpoint), age);
}

// What the memory of one would cost if a call held it.
Money price_of(const State& state, const EndpointState& endpoint, nanoseconds time) {
  const domain::Use held{.mib_ms = domain::mib_milliseconds(domain::billed_milliseconds(time), endpoint.revision.memory_mib)};
  return {list_cost_of(state.price_lists.at(state.prices), domain::Tier::kWarm, held)};
}

void expect_at(Stepping& s, EndpointState& endpoint, nanoseconds age, const Hold& hold) {
  if (hold.start == nanoseconds::max()) return;
  // Ready by the time when holding it pays again.
  const MonoTime at = s.now - age + hold.start - kStartsEarlier * start_takes(endpoint);
  expect(s.state, endpoint.revision.spec.name, endpoint, std::max(at, s.now + seconds(1)));
}

// By what is prepared, where something is.
void start_ahead(Stepping& s, EndpointState& endpoint, Ahead ahead) {
  const int slots = endpoint.revision.by_instances() ? endpoint.revision.calls_per_instance : 1;
  const auto prepared = std::ranges::find_if(endpoint.live, [&](WorkerId id) {
    const WorkerState& worker = s.state.workers.at(id);
    return worker.phase == WorkerPhase::kParked && is_prepared(worker);
  });
  if (prepared != endpoint.live.end())
    wake_worker(s, *prepared, s.state.workers.at(*prepared), slots, std::move(ahead));
  else
    start_worker(s, endpoint, slots, std::move(ahead));
}

// Those that are worth least, as many as make room for one; empty: all of them do not.
std::vector<Victim> to_make_room(const Stepping& s, const EndpointState& endpoint) {
  const uint64_t needed = needed_bytes(need_of(s.state, endpoint), 1);
  uint64_t room = room_bytes(memory_now(s.state));
  std::vector<Victim> victims = victims_for(s, endpoint.revision.spec.name);
  // What would only park gives back a part that is not known.
  std::erase_if(victims, [&](const Victim& victim) { return victim.kept || !ends_when_given_up(s.state.workers.at(victim.worker)); });
  std::ranges::sort(victims, goes_before);
  size_t count = 0;
  for (; count < victims.size() && room < needed; ++count)
    room += bytes_of(s.state.workers.at(victims[count].worker));
  victims.resize(room < needed ? 0 : count);
  return victims;
}

// False: not now, and when to look again is asked for if that is to be. `pays`: where a byte is worth so much to those who would go.
bool has_room_for(Stepping& s, EndpointState& endpoint, const std::function<bool(double price)>& pays) {
  if (slots_that_fit(need_of(s.state, endpoint), room_bytes(memory_now(s.state)), 1) > 0) return true;
  const std::string& name = endpoint.revision.spec.name;
  if (!making_room(s.state)) {
    const std::vector<Victim> victims = to_make_room(s, endpoint);
    if (victims.empty() || !pays(victims.back().worth)) return false;
    for (const Victim& victim : victims)
      give_up(s, victim, fmt::format("a call of '{}' is expected soon, to which its memory is worth more", name));
  }
  expect(s.state, name, endpoint, s.now + kLookAgain);
  return false;
}

void start_by_habit(Stepping& s, EndpointState& endpoint) {
  const nanoseconds age = endpoint.demand.idle_for(0, s.now, s.now);
  const nanoseconds then = age + kStartsEarlier * start_takes(endpoint);
  const Hold hold = next_of(s.state, endpoint, then);
  if (hold.start > then) return;  // it was learned since that this is not the time
  const auto pays = [&](double price) {
    endpoint.expected_price = price;
    const Hold among_others = next_of(s.state, endpoint, then);
    if (among_others.start <= then) return true;
    expect_at(s, endpoint, age, among_others);
    return false;
  };
  if (!has_room_for(s, endpoint, pays)) return;
  Ahead ahead{.because = "a call is expected soon", .inputs = {{"silent for", age}, {"chance", Chance{hold.chance}}, {"saves", start_takes(endpoint)}}};
  if (hold.until != nanoseconds::max()) {
    ahead.inputs.emplace_back("expected within", hold.until - age);
    ahead.inputs.emplace_back("its memory until then costs", price_of(s.state, endpoint, hold.until - age));
  }
  start_ahead(s, endpoint, std::move(ahead));
}

// Those that have their function, or will.
int instances_of(const State& state, const EndpointState& endpoint) {
  return static_cast<int>(std::ranges::count_if(endpoint.live, [&](WorkerId id) { return !is_prepared(state.workers.at(id)); }));
}

// One more instance, while calls grow.
void start_for_rise(Stepping& s, EndpointState& endpoint) {
  const Demand& demand = endpoint.demand;
  if (!demand.rise.expects(demand.rise.rank, s.now) || instances_of(s.state, endpoint) > demand.rise.rank || demand.rise.rank >= endpoint.scaling.max) return;
  Stake stake = stake_of_next(s.state, endpoint);
  stake.worth_byte_seconds = s.state.node.worth_byte_seconds;
  if (!pays_to_start(demand.rise, stake)) return;
  const auto pays = [&](double price) {
    stake.worth_byte_seconds = std::min(stake.worth_byte_seconds, 1 / std::max(price, kPriceLeast));
    return pays_to_start(demand.rise, stake);
  };
  if (!has_room_for(s, endpoint, pays)) return;
  const int64_t fit = int64_t{demand.rise.rank} * endpoint.revision.calls_per_instance;
  start_ahead(s, endpoint,
              {.because = "its calls grow, and soon need one more instance",
               .inputs = {{"calls", Of{demand.calls, fit}},
                          {"before", std::llround(demand.rise.usual)},
                          {"chance", Chance{chance_of(demand.rise)}},
                          {"saves", start_takes(endpoint)}}});
}

}  // namespace

void expect_next(Stepping& s, EndpointState& endpoint, double price) {
  if (serves(s.state, endpoint)) return;
  const nanoseconds age = endpoint.demand.idle_for(0, s.now, s.now);
  endpoint.expected_price = price;
  expect_at(s, endpoint, age, next_of(s.state, endpoint, age));
}

void start_expected(Stepping& s) {
  while (!s.state.due_endpoints.empty() && s.state.due_endpoints.begin()->first <= s.now) {
    EndpointState& endpoint = s.state.endpoints.at(s.state.due_endpoints.begin()->second);
    expect(s.state, endpoint.revision.spec.name, endpoint, MonoTime::max());
    if (s.state.draining || s.now < endpoint.backoff_until) continue;
    if (serves(s.state, endpoint)) {
      start_for_rise(s, endpoint);
      continue;
    }
    const bool kept = !endpoint.scaling.keep || endpoint.demand.idle_for(0, s.now, s.now) < *endpoint.scaling.keep;
    if (endpoint.waiting.empty() && kept) start_by_habit(s, endpoint);
  }
}

void count_demand(Stepping& s, EndpointState& endpoint, int by) {
  Demand& demand = endpoint.demand;
  const int before = demand.calls;
  demand.changed(by, calls_per_worker(endpoint), s.now, s.state.gaps);
  if (!endpoint.revision.by_instances()) return;
  const Calls calls{.before = before, .now = demand.calls, .level = demand.level, .per_instance = endpoint.revision.calls_per_instance};
  if (count_rise(demand.rise, calls, start_takes(endpoint), s.now)) expect(s.state, endpoint.revision.spec.name, endpoint, s.now);
}

}  // namespace ebb::control
