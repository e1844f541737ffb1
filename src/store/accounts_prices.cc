// Tables of price lists and of limits by rate.
#include <fmt/format.h>

#include "store/accounts.h"

namespace ebb::store {

namespace {

Result<StoredPrices> read_prices(const Statement& s) {
  if (Status sound = s.check_row(3); !sound) return fail(sound.error());
  return StoredPrices{.version = s.integer(0), .from = WallTime(milliseconds(s.integer(1))), .document = s.text(2)};
}

Result<domain::RateLimit> read_limit(const Statement& s) {
  if (Status sound = s.check_row(5); !sound) return fail(sound.error());
  const std::optional<domain::BudgetOf> whose = domain::parse_budget_of(s.text(0));
  const std::optional<domain::RateOf> of = domain::parse_rate_of(s.text(2));
  if (!whose || !of || s.integer(3) < 1) return fail(ErrorKind::kCorrupt, "accounts.db has a limit that cannot be read");
  return domain::RateLimit{.whose = *whose, .name = s.text(1), .of = *of, .amount = s.integer(3), .per = nanoseconds(s.integer(4))};
}

}  // namespace

Result<std::vector<StoredPrices>> Accounts::price_lists() {
  Result<Statement> rows = database_.prepare("SELECT version, from_ms, document, checksum FROM price_lists ORDER BY version");
  if (!rows) return fail(rows.error());
  return rows->all(read_prices);
}

// The version is known only once the row is there, and is part of its checksum.
Result<int64_t> Accounts::add_prices(const StoredPrices& list) {
  int64_t version = 0;
  const int64_t from = list.from.time_since_epoch().count();
  Status added = database_.transaction([&]() -> Status {
    {
      Result<Statement> insert = database_.prepare("INSERT INTO price_lists(from_ms, document, checksum) VALUES(?,?,0) RETURNING version");
      if (!insert) return fail(insert.error());
      const Result<bool> row = insert->bind(1, from).bind(2, list.document).next();
      if (!row) return fail(row.error());
      version = insert->integer(0);
    }
    Result<Statement> replace = database_.prepare("INSERT OR REPLACE INTO price_lists(version, from_ms, document, checksum) VALUES(?,?,?,?)");
    if (!replace) return fail(replace.error());
    return replace->bind(1, version).bind(2, from).bind(3, list.document).bind_checksum(4).run();
  });
  if (!added) return fail(added.error());
  return version;
}

Status Accounts::delete_prices(int64_t version) {
  Result<Statement> remove = database_.prepare("DELETE FROM price_lists WHERE version = ?");
  if (!remove) return fail(remove.error());
  return remove->bind(1, version).run();
}

Result<std::string> Accounts::currency() {
  Result<Statement> row = database_.prepare("SELECT name, value, checksum FROM settings WHERE name = 'currency'");
  if (!row) return fail(row.error());
  const Result<bool> found = row->next();
  if (!found) return fail(found.error());
  if (!*found) return std::string();
  if (Status sound = row->check_row(2); !sound) return fail(sound.error());
  return row->text(1);
}

Status Accounts::set_currency(const std::string& currency) {
  Result<Statement> put = database_.prepare("INSERT OR REPLACE INTO settings(name, value, checksum) VALUES(?,?,?)");
  if (!put) return fail(put.error());
  return put->bind(1, "currency").bind(2, currency).bind_checksum(3).run();
}

Result<std::vector<domain::RateLimit>> Accounts::limits() {
  Result<Statement> rows = database_.prepare("SELECT whose, name, what, amount, per_ns, checksum FROM limits ORDER BY whose, name, what");
  if (!rows) return fail(rows.error());
  return rows->all(read_limit);
}

Status Accounts::put_limit(const domain::RateLimit& limit) {
  Result<Statement> put = database_.prepare("INSERT OR REPLACE INTO limits(whose, name, what, amount, per_ns, checksum) VALUES(?,?,?,?,?,?)");
  if (!put) return fail(put.error());
  put->bind(1, to_string(limit.whose)).bind(2, limit.name).bind(3, to_string(limit.of)).bind(4, limit.amount).bind(5, int64_t{limit.per.count()});
  return put->bind_checksum(6).run();
}

Status Accounts::delete_limit(const domain::RateLimit& limit) {
  Result<Statement> remove = database_.prepare("DELETE FROM limits WHERE whose = ? AND name = ? AND what = ?");
  if (!remove) return fail(remove.error());
  return remove->bind(1, to_string(limit.whose)).bind(2, limit.name).bind(3, to_string(limit.of)).run();
}

}  // namespace ebb::store
