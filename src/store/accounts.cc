// Tables of tenants, keys and budgets; prices and limits are in accounts_prices.cc, the log is in accounts_audit.cc.
#include "store/accounts.h"

#include <fmt/format.h>

namespace ebb::store {

namespace {

// Ids of budgets are never used twice: AUTOINCREMENT.
constexpr const char* kSchema[] = {R"sql(
CREATE TABLE tenants(name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, checksum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE keys(
  id TEXT PRIMARY KEY, line TEXT NOT NULL, tenant TEXT NOT NULL REFERENCES tenants(name), label TEXT NOT NULL, scopes TEXT NOT NULL, highest TEXT NOT NULL,
  created_ms INTEGER NOT NULL, expires_ms INTEGER, revoked_ms INTEGER, hash TEXT NOT NULL, checksum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE budgets(
  id INTEGER PRIMARY KEY AUTOINCREMENT, whose TEXT NOT NULL, name TEXT NOT NULL, period TEXT NOT NULL, zone TEXT NOT NULL, amount INTEGER NOT NULL,
  hard INTEGER NOT NULL, checksum INTEGER NOT NULL, UNIQUE(whose, name, period)) STRICT;
)sql",
                                   R"sql(
CREATE TABLE audit(
  number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, key TEXT NOT NULL, tenant TEXT NOT NULL, what TEXT NOT NULL, subject TEXT NOT NULL, status INTEGER NOT NULL,
  times INTEGER NOT NULL, link TEXT NOT NULL) STRICT;
)sql",
                                   R"sql(
CREATE TABLE price_lists(
  version INTEGER PRIMARY KEY AUTOINCREMENT, from_ms INTEGER NOT NULL, document TEXT NOT NULL, checksum INTEGER NOT NULL) STRICT;
CREATE TABLE limits(
  whose TEXT NOT NULL, name TEXT NOT NULL, what TEXT NOT NULL, amount INTEGER NOT NULL, per_ns INTEGER NOT NULL, checksum INTEGER NOT NULL,
  PRIMARY KEY(whose, name, what)) STRICT, WITHOUT ROWID;
CREATE TABLE settings(name TEXT PRIMARY KEY, value TEXT NOT NULL, checksum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
)sql"};

int64_t to_ms(WallTime time) { return time.time_since_epoch().count(); }
std::optional<int64_t> to_ms(std::optional<WallTime> time) { return time ? std::optional(to_ms(*time)) : std::nullopt; }
std::optional<WallTime> from_ms(std::optional<int64_t> ms) { return ms ? std::optional(WallTime(milliseconds(*ms))) : std::nullopt; }

std::unexpected<Error> unreadable(std::string_view what) { return fail(ErrorKind::kCorrupt, fmt::format("accounts.db has {} that cannot be read", what)); }

Result<StoredKey> read_key(const Statement& s) {
  if (Status sound = s.check_row(10); !sound) return fail(sound.error());
  const std::optional<domain::Scopes> scopes = domain::parse_scopes(s.text(4));
  if (!scopes) return unreadable("the scopes of a key");
  const std::optional<domain::Priority> highest = domain::parse_priority(s.text(5));
  if (!highest) return unreadable("the class of a key");
  return StoredKey{.key = {.id = s.text(0),
                           .line = s.text(1),
                           .tenant = s.text(2),
                           .label = s.text(3),
                           .scopes = *scopes,
                           .highest = *highest,
                           .created = WallTime(milliseconds(s.integer(6))),
                           .expires = from_ms(s.optional_integer(7)),
                           .revoked = from_ms(s.optional_integer(8))},
                   .hash = s.text(9)};
}

Result<domain::Budget> read_budget(const Statement& s) {
  if (Status sound = s.check_row(7); !sound) return fail(sound.error());
  const std::optional<domain::BudgetOf> of = domain::parse_budget_of(s.text(1));
  const std::optional<domain::Period> period = domain::parse_period(s.text(3));
  if (!of || !period) return unreadable("a budget");
  return domain::Budget{.id = {static_cast<uint64_t>(s.integer(0))},
                        .of = *of,
                        .name = s.text(2),
                        .period = *period,
                        .zone = s.text(4),
                        .amount = s.integer(5),
                        .hard = s.integer(6) != 0};
}

}  // namespace

Result<std::unique_ptr<Accounts>> Accounts::open(const std::filesystem::path& home) {
  Result<Database> database = Database::open(home / "accounts.db", kSchema);
  if (!database) return fail(database.error());
  return std::unique_ptr<Accounts>(new Accounts(std::move(*database)));
}

Result<std::vector<domain::Tenant>> Accounts::tenants() {
  Result<Statement> rows = database_.prepare("SELECT name, created_ms, checksum FROM tenants ORDER BY name");
  if (!rows) return fail(rows.error());
  return rows->all([](const Statement& row) -> Result<domain::Tenant> {
    if (Status sound = row.check_row(2); !sound) return fail(sound.error());
    return domain::Tenant{.name = row.text(0), .created = WallTime(milliseconds(row.integer(1)))};
  });
}

Status Accounts::put_tenant(const domain::Tenant& tenant) {
  Result<Statement> insert = database_.prepare("INSERT INTO tenants(name, created_ms, checksum) VALUES(?,?,?)");
  if (!insert) return fail(insert.error());
  Status inserted = insert->bind(1, tenant.name).bind(2, to_ms(tenant.created)).bind_checksum(3).run();
  if (!inserted && inserted.error().kind == ErrorKind::kExists)
    return fail(ErrorKind::kExists, fmt::format("there is a tenant '{}' already", tenant.name), "tenant");
  return inserted;
}

Status Accounts::delete_tenant(const std::string& name) {
  return database_.transaction([&]() -> Status {
    for (const char* sql : {"DELETE FROM budgets WHERE whose = 'key' AND name IN (SELECT line FROM keys WHERE tenant = ?)",
                            "DELETE FROM limits WHERE whose = 'key' AND name IN (SELECT line FROM keys WHERE tenant = ?)",
                            "DELETE FROM budgets WHERE whose = 'tenant' AND name = ?", "DELETE FROM limits WHERE whose = 'tenant' AND name = ?",
                            "DELETE FROM keys WHERE tenant = ?", "DELETE FROM tenants WHERE name = ?"}) {
      Result<Statement> remove = database_.prepare(sql);
      if (!remove) return fail(remove.error());
      if (Status removed = remove->bind(1, name).run(); !removed) return removed;
    }
    return {};
  });
}

Result<std::vector<StoredKey>> Accounts::keys() {
  Result<Statement> rows = database_.prepare(
      "SELECT id, line, tenant, label, scopes, highest, created_ms, expires_ms, revoked_ms, hash, checksum FROM keys ORDER BY created_ms, id");
  if (!rows) return fail(rows.error());
  return rows->all(read_key);
}

Status Accounts::put_keys(const std::vector<StoredKey>& keys) {
  return database_.transaction([&]() -> Status {
    for (const StoredKey& key : keys) {
      if (Status put = put_key(key); !put) return put;
    }
    return {};
  });
}

Status Accounts::put_key(const StoredKey& stored) {
  Result<Statement> insert = database_.prepare(
      "INSERT OR REPLACE INTO keys(id, line, tenant, label, scopes, highest, created_ms, expires_ms, revoked_ms, hash, checksum) "
      "VALUES(?,?,?,?,?,?,?,?,?,?,?)");
  if (!insert) return fail(insert.error());
  const domain::Key& key = stored.key;
  insert->bind(1, key.id).bind(2, key.line).bind(3, key.tenant).bind(4, key.label).bind(5, to_string(key.scopes)).bind(6, to_string(key.highest));
  insert->bind(7, to_ms(key.created)).bind(8, to_ms(key.expires)).bind(9, to_ms(key.revoked)).bind(10, stored.hash).bind_checksum(11);
  return insert->run();
}

Result<std::vector<domain::Budget>> Accounts::budgets() {
  Result<Statement> rows = database_.prepare("SELECT id, whose, name, period, zone, amount, hard, checksum FROM budgets ORDER BY id");
  if (!rows) return fail(rows.error());
  return rows->all(read_budget);
}

// The id is known only once the row is there, and is part of its checksum.
Result<domain::Budget> Accounts::add_budget(domain::Budget budget) {
  Status added = database_.transaction([&]() -> Status {
    {
      Result<Statement> insert = database_.prepare("INSERT INTO budgets(whose, name, period, zone, amount, hard, checksum) VALUES(?,?,?,?,?,?,0) RETURNING id");
      if (!insert) return fail(insert.error());
      insert->bind(1, to_string(budget.of)).bind(2, budget.name).bind(3, to_string(budget.period)).bind(4, budget.zone);
      const Result<bool> row = insert->bind(5, budget.amount).bind(6, int64_t{budget.hard}).next();
      if (!row) return fail(row.error());
      budget.id = {static_cast<uint64_t>(insert->integer(0))};
    }
    return change_budget(budget);
  });
  if (!added && added.error().kind == ErrorKind::kExists)
    return fail(ErrorKind::kExists, fmt::format("{} '{}' has a budget for each {} already", to_string(budget.of), budget.name, to_string(budget.period)));
  if (!added) return fail(added.error());
  return budget;
}

Status Accounts::change_budget(const domain::Budget& budget) {
  Result<Statement> replace =
      database_.prepare("INSERT OR REPLACE INTO budgets(id, whose, name, period, zone, amount, hard, checksum) VALUES(?,?,?,?,?,?,?,?)");
  if (!replace) return fail(replace.error());
  replace->bind(1, static_cast<int64_t>(budget.id.value)).bind(2, to_string(budget.of)).bind(3, budget.name).bind(4, to_string(budget.period));
  return replace->bind(5, budget.zone).bind(6, budget.amount).bind(7, int64_t{budget.hard}).bind_checksum(8).run();
}

Status Accounts::delete_budget(domain::BudgetId id) {
  Result<Statement> remove = database_.prepare("DELETE FROM budgets WHERE id = ?");
  if (!remove) return fail(remove.error());
  return remove->bind(1, static_cast<int64_t>(id.value)).run();
}

}  // namespace ebb::store
