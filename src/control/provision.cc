// How many slots an endpoint keeps warm now: scaling.min, or what its schedule says, whichever is more.
#include <algorithm>

#include "control/stepping.h"
#include "domain/schedule.h"

namespace ebb::control {

namespace {

// Two readings of one clock differ by what lies between them.
constexpr milliseconds kClockSlack{500};

void set_until(State& state, const std::string& name, EndpointState& endpoint, MonoTime until) {
  if (endpoint.provision_until != MonoTime::max()) state.due_provisions.erase({endpoint.provision_until, name});
  endpoint.provision_until = until;
  if (until != MonoTime::max()) state.due_provisions.insert({until, name});
}

domain::Provision provision_now(const Stepping& s, const EndpointState& endpoint) {
  const domain::Scaling& own = endpoint.revision.spec.scaling;
  if (own.schedule.empty() || !s.state.wall_at_zero) return {.slots = own.provisioned, .until = std::nullopt};
  return domain::provisioned_at(own, *s.state.wall_at_zero + std::chrono::floor<milliseconds>(s.now.time_since_epoch()));
}

}  // namespace

void provision(Stepping& s, const std::string& name, EndpointState& endpoint) {
  const int before = endpoint.scaling.min;
  const domain::Provision now = provision_now(s, endpoint);
  endpoint.scaling = endpoint.revision.spec.scaling;
  endpoint.scaling.min = std::min(std::max(endpoint.scaling.min, now.slots), endpoint.scaling.max);
  // A millisecond later, so that rounding does not lead back to the minute before.
  set_until(s.state, name, endpoint, now.until ? MonoTime(*now.until - *s.state.wall_at_zero + milliseconds(1)) : MonoTime::max());
  if (endpoint.scaling.min == before) return;
  s.decide({.what = "provision",
            .endpoint = name,
            .because = "its schedule or scaling.provisioned says how many slots are kept warm now",
            .inputs = {{"slots", Change{before, endpoint.scaling.min}}}});
  for (const WorkerId id : endpoint.live)
    s.touched.push_back(id);
  s.state.hungry.insert(name);
}

void check_provisions(Stepping& s) {
  while (!s.state.due_provisions.empty() && s.state.due_provisions.begin()->first <= s.now) {
    const std::string name = s.state.due_provisions.begin()->second;
    provision(s, name, s.state.endpoints.find(name)->second);
  }
}

void forget_provision(State& state, const std::string& name, EndpointState& endpoint) { set_until(state, name, endpoint, MonoTime::max()); }

void on_clock(Stepping& s, const ClockRead& event) {
  const WallTime at_zero = event.wall - std::chrono::floor<milliseconds>(s.now.time_since_epoch());
  if (s.state.wall_at_zero && std::chrono::abs(*s.state.wall_at_zero - at_zero) < kClockSlack) return;
  s.state.wall_at_zero = at_zero;
  for (auto& [name, endpoint] : s.state.endpoints) {
    if (!endpoint.revision.spec.scaling.schedule.empty()) provision(s, name, endpoint);
  }
}

}  // namespace ebb::control
