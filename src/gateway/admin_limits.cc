// /ebb/v1/limits: how fast somebody may call.
#include <fmt/format.h>

#include "gateway/admin_line.h"
#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/services.h"
#include "wire/price_json.h"

namespace ebb::gateway {

namespace {

// Whose it is, and of what, as the path says it.
Result<domain::RateLimit> place_of(const Request& request) {
  const std::optional<domain::BudgetOf> whose = domain::parse_budget_of(request.param("whose"));
  if (!whose) return fail(ErrorKind::kInvalid, fmt::format("a limit is of a tenant, key or endpoint, not '{}'", request.param("whose")), "whose");
  const std::optional<domain::RateOf> of = domain::parse_rate_of(request.param("of"));
  if (!of) return fail(ErrorKind::kInvalid, fmt::format("a limit is of requests, tokens, spending or concurrency, not '{}'", request.param("of")), "of");
  return domain::RateLimit{.whose = *whose, .name = request.param("name"), .of = *of};
}

// Who does not administer sees those that hold for it: its tenant's and its key's.
bool may_see(const domain::Principal& principal, const domain::RateLimit& limit) {
  if (!principal.sees()) return true;
  if (limit.whose == domain::BudgetOf::kTenant) return limit.name == principal.tenant;
  return limit.whose == domain::BudgetOf::kKey && limit.name == principal.key;
}

std::string list_line(const Services& services, const domain::Principal& principal) {
  json::array rows;
  for (const wire::LimitRow& row : services.limits.list()) {
    if (may_see(principal, row.limit)) rows.push_back(wire::to_json(row));
  }
  return line_of(json::object{{"limits", std::move(rows)}});
}

Result<std::string> put(Services& services, const Request& request) {
  Result<domain::RateLimit> limit = place_of(request);
  if (!limit) return fail(limit.error());
  const Result<json::value> body = parse_json(request.body());
  if (!body) return fail(body.error());
  const Result<domain::RateAmount> amount = wire::put_limit_from_json(*body, limit->of);
  if (!amount) return fail(amount.error());
  limit->amount = amount->amount;
  limit->per = amount->per;
  const Result<wire::LimitRow> row = services.limits.set(std::move(*limit));
  if (!row) return fail(row.error());
  return line_of(wire::to_json(*row));
}

Result<std::string> remove(Services& services, const Request& request) {
  const Result<domain::RateLimit> limit = place_of(request);
  if (!limit) return fail(limit.error());
  if (Status removed = services.limits.remove(*limit); !removed) return fail(removed.error());
  return line_of(json::object{{"limit", fmt::format("{} {} {}", to_string(limit->whose), limit->name, to_string(limit->of))}, {"removed", true}});
}

}  // namespace

io::Task<void> list_limits(Services& services, Exchange& exchange) { return answer_line(exchange, list_line(services, exchange.request().principal)); }
io::Task<void> put_limit(Services& services, Exchange& exchange) { return answer_line(exchange, put(services, exchange.request())); }
io::Task<void> delete_limit(Services& services, Exchange& exchange) { return answer_line(exchange, remove(services, exchange.request())); }

}  // namespace ebb::gateway
