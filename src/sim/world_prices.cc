// What people do to prices and limits by rate.
#include "sim/world.h"

namespace ebb::sim {

namespace {

enum : uint64_t { kSet, kRemoved };

}  // namespace

void World::expect_prices() {
  if (plan_.used_before != domain::Use{}) {
    control::UsedBefore used{.of_tenants = {{"", plan_.used_before}}, .wall = node_->wall()};
    for (const ClientPlan& client : plan_.clients)
      used.of_tenants[client.tenant] = plan_.used_before;
    node_->feed(std::move(used));
  }
  for (size_t i = 0; i < plan_.prices.size(); ++i)
    set_tag(begun_ + plan_.prices[i].set_at, Tag::kPrices, i);
  for (size_t i = 0; i < plan_.rates.size(); ++i) {
    set_tag(begun_ + plan_.rates[i].set_at, Tag::kRate, i << 1U | kSet);
    if (plan_.rates[i].removed_at) set_tag(begun_ + *plan_.rates[i].removed_at, Tag::kRate, i << 1U | kRemoved);
  }
}

void World::rate_comes(uint64_t tag_index) {
  const domain::RateLimit& limit = plan_.rates[tag_index >> 1U].limit;
  if ((tag_index & 1U) == kSet)
    node_->feed(control::RateSet{limit});
  else
    node_->feed(control::RateRemoved{limit});
}

// In the end each endpoint must serve a call.
void World::lift_rates() {
  for (const RatePlan& rate : plan_.rates)
    node_->feed(control::RateRemoved{rate.limit});
}

}  // namespace ebb::sim
