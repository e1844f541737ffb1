// GET /ebb/v1/ledger?after=N, the book line by line; GET /ebb/v1/ledger/check, which reads all of it; and GET /ebb/v1/ledger/seals.
#include "gateway/admin_line.h"
#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/services.h"
#include "wire/ledger_json.h"

namespace ebb::gateway {

namespace {

constexpr size_t kEntriesAtOnce = 1'000;

std::string as_lines(const std::vector<wire::LedgerRow>& rows) {
  std::string out;
  for (const wire::LedgerRow& row : rows)
    out += json::serialize(wire::to_json(row)) + "\n";
  return out;
}

std::string check_line(wire::LedgerCheck check, const std::string& currency) {
  check.currency = currency;
  return json::serialize(wire::to_json(check)) + "\n";
}

std::string as_lines(const std::vector<domain::Seal>& seals) {
  std::string out;
  for (const domain::Seal& seal : seals)
    out += json::serialize(wire::to_json(seal)) + "\n";
  return out;
}

}  // namespace

// Part by part, each when the client has taken the one before.
io::Task<void> get_ledger(Services& services, Exchange& exchange) {
  const Result<int64_t> asked = entry_asked_for(exchange.request().target);
  if (!asked) {
    co_await exchange.fail(asked.error());
    co_return;
  }
  for (int64_t after = *asked;;) {
    Result<std::vector<wire::LedgerRow>> rows = co_await services.bills.book(after, kEntriesAtOnce);
    if (!rows && !exchange.started()) {
      co_await exchange.fail(rows.error());
      co_return;
    }
    if (!rows || (services.stopping && rows->size() == kEntriesAtOnce)) {
      exchange.note_failure(rows ? "the server stops" : rows.error().message);
      co_await exchange.cut();  // so that a part is not taken for the whole
      co_return;
    }
    if (!exchange.started()) exchange.start_stream(ndjson_response());
    const bool written = co_await exchange.write(as_lines(*rows));
    if (!written) co_return;
    if (rows->size() < kEntriesAtOnce) break;
    after = rows->back().number;
  }
  co_await exchange.end_stream();
}

io::Task<void> check_ledger(Services& services, Exchange& exchange) {
  Result<std::vector<domain::Seal>> seals = services.seals.list();
  if (!seals) {
    co_await exchange.fail(seals.error());
    co_return;
  }
  const Result<wire::LedgerCheck> check = co_await services.bills.check_book(std::move(*seals));
  if (!check) {
    co_await exchange.fail(check.error());
    co_return;
  }
  Response response = json_response(check_line(*check, services.prices.in_force().currency));
  co_await exchange.respond(std::move(response));
}

io::Task<void> get_seals(Services& services, Exchange& exchange) {
  const Result<std::vector<domain::Seal>> seals = services.seals.list();
  if (!seals) {
    co_await exchange.fail(seals.error());
    co_return;
  }
  Response response = ndjson_response();
  response.body = as_lines(*seals);
  co_await exchange.respond(std::move(response));
}

}  // namespace ebb::gateway
