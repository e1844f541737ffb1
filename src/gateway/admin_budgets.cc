// /ebb/v1/budgets: how much may be spent, by whom, in which time; and how much is.
#include <fmt/format.h>

#include "domain/limits.h"
#include "gateway/admin_line.h"
#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/services.h"
#include "wire/account_json.h"

namespace ebb::gateway {

namespace {

std::string row_line(const wire::BudgetRow& row) { return line_of(wire::to_json(row)); }

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
  const std::string& currency = services.prices.in_force().currency;
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

std::string list_line(const Services& services, const domain::Principal& principal, const std::vector<wire::BudgetRow>& all) {
  json::array rows;
  for (const wire::BudgetRow& row : all) {
    if (may_see(principal, row.budget)) rows.push_back(wire::to_json(row));
  }
  return line_of(json::object{{"currency", services.prices.in_force().currency}, {"budgets", std::move(rows)}});
}

// ?forecast=true
Result<bool> with_forecasts(const Target& target) {
  bool asked = false;
  for (const auto& [key, value] : target.query) {
    if (key != "forecast" || (value != "true" && value != "false"))
      return fail(ErrorKind::kInvalid, fmt::format("there is the parameter 'forecast', true or false; not '{}'", key), key);
    asked = value == "true";
  }
  return asked;
}

Result<std::string> remove(Services& services, const Request& request) {
  const Result<Place> place = place_of(request);
  if (!place) return fail(place.error());
  if (Status removed = services.budgets.remove(place->of, place->name, place->period); !removed) return fail(removed.error());
  return line_of(json::object{{"budget", fmt::format("{} {} {}", to_string(place->of), place->name, to_string(place->period))}, {"removed", true}});
}

}  // namespace

io::Task<void> list_budgets(Services& services, Exchange& exchange) {
  const domain::Principal& principal = exchange.request().principal;
  const Result<bool> asked = with_forecasts(exchange.request().target);
  if (!asked) {
    co_await exchange.fail(asked.error());
    co_return;
  }
  Result<std::vector<wire::BudgetRow>> rows = std::vector<wire::BudgetRow>();
  if (*asked) {
    std::function<bool(const domain::Budget&)> seen = [&principal](const domain::Budget& budget) { return may_see(principal, budget); };
    rows = co_await services.budgets.forecasts(std::move(seen));
  } else {
    rows = services.budgets.list();
  }
  if (!rows) {
    co_await exchange.fail(rows.error());
    co_return;
  }
  Response response = json_response(list_line(services, principal, *rows));
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

io::Task<void> delete_budget(Services& services, Exchange& exchange) { return answer_line(exchange, remove(services, exchange.request())); }

}  // namespace ebb::gateway
