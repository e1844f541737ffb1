// What people do to budgets.
#include "sim/world.h"

namespace ebb::sim {

namespace {

enum class What : uint8_t { kSet, kKnown, kChanges, kRemoved };
constexpr unsigned kWhatBits = 2;
constexpr uint64_t kWhatMask = (1U << kWhatBits) - 1;

uint64_t index_of(size_t budget, What what) { return (budget << kWhatBits) | static_cast<uint64_t>(what); }

}  // namespace

void World::expect_budgets() {
  for (size_t i = 0; i < plan_.budgets.size(); ++i) {
    const BudgetPlan& plan = plan_.budgets[i];
    set_tag(begun_ + plan.set_at, Tag::kBudget, index_of(i, What::kSet));
    if (plan.changes_at) set_tag(begun_ + *plan.changes_at, Tag::kBudget, index_of(i, What::kChanges));
    if (plan.removed_at) set_tag(begun_ + *plan.removed_at, Tag::kBudget, index_of(i, What::kRemoved));
    if (plan.returns_at) set_tag(begun_ + *plan.returns_at, Tag::kBudget, index_of(i, What::kSet));
  }
}

void World::set_budget(size_t index) {
  const BudgetPlan& plan = plan_.budgets[index];
  budgets_.insert(plan.budget.id);
  node_->feed(control::BudgetSet{.budget = plan.budget, .wall = node_->wall()});
  if (plan.known_after.count() == 0)
    node_->feed(control::BudgetKnown{.budget = plan.budget.id, .spent = plan.before});
  else
    set_tag(node_->now() + plan.known_after, Tag::kBudget, index_of(index, What::kKnown));
}

void World::budget_comes(uint64_t tag_index) {
  const size_t index = tag_index >> kWhatBits;
  const BudgetPlan& plan = plan_.budgets[index];
  switch (static_cast<What>(tag_index & kWhatMask)) {
    case What::kSet: return set_budget(index);
    // Also of one that is gone, or known already.
    case What::kKnown: return node_->feed(control::BudgetKnown{.budget = plan.budget.id, .spent = plan.before});
    case What::kChanges: {
      if (!budgets_.contains(plan.budget.id)) return;
      domain::Budget changed = plan.budget;
      changed.amount = plan.then_amount;
      changed.hard = plan.then_hard;
      return node_->feed(control::BudgetSet{.budget = changed, .wall = node_->wall()});
    }
    case What::kRemoved: budgets_.erase(plan.budget.id); return node_->feed(control::BudgetRemoved{plan.budget.id});
  }
}

// Those of endpoints: in the end each must serve a call.
void World::lift_budgets() {
  for (const BudgetPlan& plan : plan_.budgets)
    if (plan.budget.of == domain::BudgetOf::kEndpoint && budgets_.erase(plan.budget.id) > 0) node_->feed(control::BudgetRemoved{plan.budget.id});
}

}  // namespace ebb::sim
