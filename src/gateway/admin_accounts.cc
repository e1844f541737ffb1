// /ebb/v1/tenants and /ebb/v1/keys. The text of a key is in the answer to its making, and nowhere else.
#include <fmt/format.h>

#include "gateway/admin_line.h"
#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/services.h"
#include "wire/account_json.h"

namespace ebb::gateway {

namespace {

template <class Row>
Result<std::string> list_of(std::string_view key, const std::vector<Row>& all) {
  json::array rows;
  for (const Row& one : all)
    rows.push_back(wire::to_json(one));
  return line_of(json::object{{key, std::move(rows)}});
}

Result<std::string> put(Services& services, const Request& request) {
  const Result<domain::Tenant> tenant = services.keyring.add_tenant(request.param("name"), services.clock.wall());
  if (!tenant) return fail(tenant.error());
  return line_of(wire::to_json(*tenant));
}

Result<std::string> remove(Services& services, const Request& request) {
  const std::string& name = request.param("name");
  std::vector<std::string> lines;
  for (const domain::Key& key : services.keyring.keys()) {
    if (key.tenant == name) lines.push_back(key.line);
  }
  if (Status removed = services.keyring.remove_tenant(name, services.clock.wall()); !removed) return fail(removed.error());
  services.budgets.forget_tenant(name, lines);
  services.limits.forget_tenant(name, lines);
  return line_of(json::object{{"tenant", name}, {"removed", true}});
}

std::vector<wire::KeyRow> rows_of(const std::vector<domain::Key>& keys) {
  std::vector<wire::KeyRow> rows;
  for (const domain::Key& key : keys)
    rows.push_back({.key = key});
  return rows;
}

Result<std::string> made(const Result<ledger::MadeKey>& key) {
  if (!key) return fail(key.error());
  return line_of(wire::to_json(wire::KeyRow{.key = key->key, .text = key->text}));
}

Result<std::string> create(Services& services, const Request& request) {
  const Result<json::value> body = parse_json(request.body());
  if (!body) return fail(body.error());
  const Result<wire::CreateKey> asked = wire::create_key_from_json(*body);
  if (!asked) return fail(asked.error());
  const WallTime now = services.clock.wall();
  ledger::NewKey wanted{.tenant = asked->tenant, .label = asked->label, .scopes = asked->scopes, .highest = asked->highest};
  if (asked->expires_in) wanted.expires = now + *asked->expires_in;
  return made(services.keyring.create(wanted, now));
}

Result<std::string> rotate(Services& services, const Request& request) {
  const Result<json::value> body = request.body().empty() ? json::value(json::object()) : parse_json(request.body());
  if (!body) return fail(body.error());
  const Result<wire::RotateKey> asked = wire::rotate_key_from_json(*body);
  if (!asked) return fail(asked.error());
  return made(services.keyring.rotate(request.param("id"), asked->overlap, services.clock.wall()));
}

Result<std::string> revoke(Services& services, const Request& request) {
  const Result<domain::Key> key = services.keyring.revoke(request.param("id"), services.clock.wall());
  if (!key) return fail(key.error());
  return line_of(wire::to_json(wire::KeyRow{.key = *key}));
}

}  // namespace

io::Task<void> list_tenants(Services& services, Exchange& exchange) { return answer_line(exchange, list_of("tenants", services.keyring.tenants())); }
io::Task<void> put_tenant(Services& services, Exchange& exchange) { return answer_line(exchange, put(services, exchange.request())); }
io::Task<void> delete_tenant(Services& services, Exchange& exchange) { return answer_line(exchange, remove(services, exchange.request())); }
io::Task<void> list_keys(Services& services, Exchange& exchange) { return answer_line(exchange, list_of("keys", rows_of(services.keyring.keys()))); }
io::Task<void> create_key(Services& services, Exchange& exchange) { return answer_line(exchange, create(services, exchange.request())); }
io::Task<void> rotate_key(Services& services, Exchange& exchange) { return answer_line(exchange, rotate(services, exchange.request())); }
io::Task<void> revoke_key(Services& services, Exchange& exchange) { return answer_line(exchange, revoke(services, exchange.request())); }

}  // namespace ebb::gateway
