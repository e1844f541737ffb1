// A new budget is closed until what was spent before it is known.
#include "app/budgets.h"

#include <fmt/format.h>

#include <algorithm>

#include "domain/limits.h"
#include "domain/zone.h"

namespace ebb::app {

namespace {

auto place_of(const domain::Budget& budget) { return std::tuple(budget.of, budget.name, budget.period); }

wire::BudgetRow row_of(const control::Purse& purse) {
  wire::BudgetRow row{.budget = purse.budget, .spent = purse.spent, .held = purse.held};
  if (purse.budget.period != domain::Period::kTotal) {
    row.begins = purse.span.from;
    row.ends = purse.span.to;
  }
  return row;
}

Error in_budget(const domain::Budget& budget, const Error& error) {
  return error.with_context(fmt::format("the budget of {} '{}'", to_string(budget.of), budget.name));
}

}  // namespace

io::Task<Status> Budgets::start() {
  Result<std::vector<domain::Budget>> budgets = accounts_.budgets();
  if (!budgets) co_return fail(budgets.error());
  kept_ = std::move(*budgets);
  std::ranges::sort(kept_, {}, place_of);
  for (const domain::Budget& budget : kept_) {
    if (Status opened = co_await open(budget); !opened) co_return opened;
  }
  co_return Status();
}

// In one turn of the loop: the ledger counts exactly what ended before the platform began to.
io::Task<Status> Budgets::open(domain::Budget budget) {
  if (const auto zone = domain::find_zone(budget.zone); !zone) co_return fail(in_budget(budget, zone.error()));
  platform_.set_budget(budget);
  const std::optional<control::Purse> purse = purse_of(budget.id);
  const Result<domain::Pico> sum = co_await bills_.spent(budget, purse->span);
  if (!sum) co_return fail(sum.error());
  platform_.budget_known(budget.id, *sum);
  co_return Status();
}

std::optional<control::Purse> Budgets::purse_of(domain::BudgetId id) const {
  for (control::Purse& purse : platform_.purses()) {
    if (purse.budget.id == id) return std::move(purse);
  }
  return std::nullopt;
}

std::vector<wire::BudgetRow> Budgets::list() const {
  std::vector<wire::BudgetRow> rows;
  for (const control::Purse& purse : platform_.purses())
    rows.push_back(row_of(purse));
  std::ranges::sort(rows, {}, [](const wire::BudgetRow& row) { return place_of(row.budget); });
  return rows;
}

io::Task<Result<std::vector<wire::BudgetRow>>> Budgets::forecasts(std::function<bool(const domain::Budget&)> wanted) {
  std::vector<wire::BudgetRow> rows = list();
  std::erase_if(rows, [&](const wire::BudgetRow& row) { return !wanted(row.budget); });
  const WallTime now = clock_.wall();
  size_t told = 0;
  for (wire::BudgetRow& row : rows) {
    if (told++ == domain::kForecastsMax) break;
    const Result<std::vector<domain::Pico>> past = co_await bills_.spent_lately(row.budget, now);
    if (!past) co_return fail(past.error());
    const domain::Span span{.from = row.begins.value_or(WallTime::min()), .to = row.ends.value_or(WallTime::max())};
    row.forecast = domain::forecast(row.budget, span, now, row.spent, *past);
  }
  co_return rows;
}

Status Budgets::check(domain::BudgetOf of, const std::string& name) const {
  const auto none = [&](std::string_view advice) {
    return fail(ErrorKind::kNotFound, fmt::format("there is no {} '{}': {}", to_string(of), name.substr(0, 80), advice), "name");
  };
  switch (of) {
    case domain::BudgetOf::kTenant: {
      // Without keys a tenant is whoever a request says.
      const auto tenants = keyring_.tenants();
      if (keyring_.locked() && std::ranges::find(tenants, name, &domain::Tenant::name) == tenants.end()) return none("`ebb tenant ls` lists them");
      break;
    }
    case domain::BudgetOf::kKey: {
      const auto keys = keyring_.keys();
      if (std::ranges::find(keys, name, &domain::Key::line) == keys.end())
        return none("a budget is of the first key of a line, which `ebb key ls` shows, and holds for those that follow it by rotation");
      break;
    }
    case domain::BudgetOf::kEndpoint:
      if (!platform_.endpoint(name)) return none("`ebb ps` lists them");
      break;
  }
  if (!domain::is_name(name)) return none(domain::kNameRule);
  return {};
}

const domain::Budget* Budgets::find(domain::BudgetOf of, const std::string& name, domain::Period period) const {
  const auto found = std::ranges::find(kept_, std::tuple(of, name, period), place_of);
  return found == kept_.end() ? nullptr : &*found;
}

io::Task<Result<wire::BudgetRow>> Budgets::set(domain::Budget budget) {
  if (const auto zone = domain::find_zone(budget.zone); !zone) co_return fail(zone.error());
  const domain::Budget* before = find(budget.of, budget.name, budget.period);
  if (before != nullptr && before->zone == budget.zone) {
    budget.id = before->id;
    if (Status changed = accounts_.change_budget(budget); !changed) co_return fail(changed.error());
    *std::ranges::find(kept_, budget.id, &domain::Budget::id) = budget;
    platform_.set_budget(budget);
  } else {
    if (Status sound = check(budget.of, budget.name); !sound) co_return fail(sound.error());
    if (before != nullptr) {  // another calendar: other periods
      if (Status removed = remove(budget.of, budget.name, budget.period); !removed) co_return fail(removed.error());
    }
    const Result<domain::Budget> added = keep(budget);
    if (!added) co_return fail(added.error());
    budget = *added;
    if (Status opened = co_await open(budget); !opened) {
      [[maybe_unused]] const Status removed = remove(budget.of, budget.name, budget.period);
      co_return fail(opened.error());
    }
  }
  const std::optional<control::Purse> purse = purse_of(budget.id);
  if (!purse) co_return fail(ErrorKind::kExists, "the budget was removed meanwhile");
  co_return row_of(*purse);
}

Result<domain::Budget> Budgets::keep(const domain::Budget& budget) {
  if (kept_.size() >= domain::kBudgetsMax) return fail(ErrorKind::kExhausted, fmt::format("there are {} budgets already", domain::kBudgetsMax));
  Result<domain::Budget> added = accounts_.add_budget(budget);
  if (added) kept_.insert(std::ranges::upper_bound(kept_, place_of(*added), {}, place_of), *added);
  return added;
}

void Budgets::forget(domain::BudgetId id) {
  std::erase_if(kept_, [&](const domain::Budget& budget) { return budget.id == id; });
  platform_.remove_budget(id);
}

Status Budgets::remove(domain::BudgetOf of, std::string name, domain::Period period) {
  const domain::Budget* const found = find(of, name, period);
  if (found == nullptr)
    return fail(ErrorKind::kNotFound,
                fmt::format("{} '{}' has no budget for {}: `ebb budget ls` lists them", to_string(of), name.substr(0, 80), to_string(period)));
  const domain::BudgetId id = found->id;
  if (Status removed = accounts_.delete_budget(id); !removed) return removed;
  forget(id);
  return {};
}

void Budgets::forget_tenant(const std::string& name, const std::vector<std::string>& lines) {
  std::vector<domain::BudgetId> gone;
  for (const domain::Budget& budget : kept_) {
    const bool of_key = budget.of == domain::BudgetOf::kKey && std::ranges::find(lines, budget.name) != lines.end();
    if (of_key || (budget.of == domain::BudgetOf::kTenant && budget.name == name)) gone.push_back(budget.id);
  }
  for (const domain::BudgetId id : gone)
    forget(id);
}

}  // namespace ebb::app
