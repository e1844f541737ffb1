// /ebb/v1/budgets: how much may be spent, by whom, in which time; and how much is.
#include <fmt/format.h>

#include "domain/limits.h"
#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/services.h"
#include "wire/account_json.h"

namespace ebb::gateway {

namespace {

// Values with braces are made outside coroutines: see errors.h.
std::string line(const json::value& value) { return json::serialize(value) + "\n"; }
std::string row_line(const wire::BudgetRow& row) { return line(wire::to_json(row)); }

// Whose it is, and for how long, as the path says it.
struct Place {
  domain::BudgetOf of = domain::BudgetOf::kTenant;
  std::string name;
  domain::Period period = domain::Period::kTotal;
};

Result<Place> place_of(const Request& request) {
  const std::optional<domain::BudgetOf> of = domain::parse_budget_of(request.param("of"));
  if (!of) return fail(ErrorKind::kInvalid, fmt::format("a budget is of a tenant, key or endpoint, not '{}'", request.param("of")), "of");
  const std::optional<domain::Period> period = domain::parse_period(request.param("period"));
  if (!period) return fail(ErrorKind::kInvalid, fmt::format("a budget is for an hour, day, month or total, not '{}'", request.param("period")), "period");
  return Place{.of = *of, .name = request.param("name"), .period = *period};
}

Result<domain::Budget> budget_of(const Services& services, const Request& request) {
  const Result<Place> place = place_of(request);
  if (!place) return fail(place.error());
  const Result<json::value> body = parse_json(request.body());
  if (!body) return fail(body.error());
  const Result<wire::PutBudget> asked = wire::put_budget_from_json(*body);
  if (!asked) return fail(asked.error());
  const std::string& currency = services.options.prices.currency;
  if (!asked->currency.empty() && asked->currency != currency)
    return fail(ErrorKind::kInvalid,
                fmt::format("the server's prices are in {}, so its budgets are too: '{}' is not changed into it", currency, asked->currency), "currency");
  return domain::Budget{.of = place->of, .name = place->name, .period = place->period, .zone = asked->zone, .amount = asked->amount, .hard = asked->hard};
}

// Who does not administer sees those that hold for it: its tenant's and its key's.
bool may_see(const domain::Principal& principal, const domain::Budget& budget) {
  if (!principal.sees()) return true;
  if (budget.of == domain::BudgetOf::kTenant) return budget.name == principal.tenant;
  return budget.of == domain::BudgetOf::kKey && budget.name == principal.key;
}

std::string list_line(const Services& services, const domain::Principal& principal) {
  json::array rows;
  for (const wire::BudgetRow& row : services.budgets.list()) {
    if (may_see(principal, row.budget)) rows.push_back(wire::to_json(row));
  }
  return line(json::object{{"currency", services.options.prices.currency}, {"budgets", std::move(rows)}});
}

Result<std::string> remove(Services& services, const Request& request) {
  const Result<Place> place = place_of(request);
  if (!place) return fail(place.error());
  if (Status removed = services.budgets.remove(place->of, place->name, place->period); !removed) return fail(removed.error());
  return line(json::object{{"budget", fmt::format("{} {} {}", to_string(place->of), place->name, to_string(place->period))}, {"removed", true}});
}

}  // namespace

io::Task<void> list_budgets(Services& services, Exchange& exchange) {
  Response response = json_response(list_line(services, exchange.request().principal));
  co_await exchange.respond(std::move(response));
}

io::Task<void> put_budget(Services& services, Exchange& exchange) {
  const Result<domain::Budget> budget = budget_of(services, exchange.request());
  if (!budget) {
    co_await exchange.fail(budget.error());
    co_return;
  }
  const Result<wire::BudgetRow> row = co_await services.budgets.set(*budget);
  if (!row) {
    co_await exchange.fail(row.error());
    co_return;
  }
  Response response = json_response(row_line(*row));
  co_await exchange.respond(std::move(response));
}

io::Task<void> delete_budget(Services& services, Exchange& exchange) {
  Result<std::string> removed = remove(services, exchange.request());
  if (!removed) {
    co_await exchange.fail(removed.error());
    co_return;
  }
  Response response = json_response(std::move(*removed));
  co_await exchange.respond(std::move(response));
}

}  // namespace ebb::gateway
