// Powers of two and two timers.
#include "control/scale_policy.h"

#include <algorithm>
#include <bit>

#include "domain/limits.h"

namespace ebb::control {

namespace {

constexpr int kSlotsAtStartMax = 4;

int power_of_two(int at_least) { return static_cast<int>(std::bit_ceil(static_cast<unsigned>(std::max(at_least, 1)))); }

}  // namespace

int slots_most(const domain::Scaling& scaling, domain::Engine engine) { return std::clamp(scaling.max, 1, domain::slots_max(engine)); }

int slots_at_start(int waiting, const domain::Scaling& scaling, domain::Engine engine) {
  const int wanted = domain::slots_are_cheap(engine) ? power_of_two(waiting) : std::min(power_of_two(waiting), kSlotsAtStartMax);
  return std::min(std::max(wanted, scaling.min), slots_most(scaling, engine));
}

int slots_to_grow_to(int slots, int waiting, const domain::Scaling& scaling, domain::Engine engine) {
  const int most = slots_most(scaling, engine);
  if (waiting == 0 || slots >= most) return slots;
  const int wanted = domain::slots_are_cheap(engine) ? power_of_two(slots + waiting) : 2 * std::max(slots, 1);
  return std::min(wanted, most);
}

int slots_wanted(int calls, const domain::Scaling& scaling) { return (calls * 100 + scaling.target_percent - 1) / scaling.target_percent; }

int instances_to_add(int waiting, int running, int slots_coming, int serving, int calls_per_instance, const domain::Scaling& scaling) {
  const auto instances = [&](int slots) { return (slots + calls_per_instance - 1) / calls_per_instance; };
  const int for_calls = instances(std::max(waiting - slots_coming, 0));
  const int for_target = instances(slots_wanted(waiting + running, scaling)) - serving;
  const int wanted = std::max({for_calls, for_target, scaling.min - serving});
  return std::clamp(wanted, 0, std::max(scaling.max - serving, 0));
}

IdleChoice idle_step(bool parked, MonoTime idle_since, MonoTime parked_since, const domain::Scaling& scaling, MonoTime now) {
  if (scaling.min > 0) return {};
  const MonoTime at = parked ? parked_since + *scaling.keep : idle_since + scaling.idle.value_or(domain::kIdleAuto);
  if (now < at) return {.step = IdleStep::kStay, .next = at};
  return {.step = parked ? IdleStep::kGo : IdleStep::kPark, .next = MonoTime::max()};
}

MonoTime shrink_at(int slots, MonoTime idle_since, const domain::Scaling& scaling) {
  if (scaling.min == 0 || slots <= std::min(scaling.min, scaling.max)) return MonoTime::max();
  return idle_since + scaling.idle.value_or(domain::kIdleAuto);
}

}  // namespace ebb::control
