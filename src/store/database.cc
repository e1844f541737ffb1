// The mapping of SQLite's results, and the order of its settings.
#include "store/database.h"

#include <fmt/format.h>

namespace ebb::store {

namespace {

constexpr int kBusyMaxMs = 2000;

Error error_of(sqlite3* database, int code) {
  const char* message = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  switch (code & 0xFF) {
    case SQLITE_FULL: return {.kind = ErrorKind::kExhausted, .message = "the disk is full"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {.kind = ErrorKind::kCorrupt,
              .message = fmt::format("the file is damaged ({}): restore it from a backup, or move it away to begin anew", message)};
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return {.kind = ErrorKind::kUnavailable, .message = "another process holds the file"};
    default: return {.kind = ErrorKind::kIo, .message = message};
  }
}

}  // namespace

Statement& Statement::bind(int index, int64_t value) {
  sqlite3_bind_int64(statement_.get(), index, value);
  return *this;
}

Statement& Statement::bind(int index, std::string_view value) {
  sqlite3_bind_text64(statement_.get(), index, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind_null(int index) {
  sqlite3_bind_null(statement_.get(), index);
  return *this;
}

Result<bool> Statement::next() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  const Error error = code == SQLITE_DONE ? Error{} : error_of(database_, code);
  sqlite3_reset(statement_.get());
  if (code == SQLITE_DONE) return false;
  return fail(error);
}

Status Statement::run() {
  const Result<bool> row = next();
  if (!row) return fail(row.error());
  sqlite3_reset(statement_.get());
  return {};
}

int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
bool Statement::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  return bytes == nullptr ? std::string() : std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column)));
}

Result<Database> Database::open(const std::filesystem::path& file, std::span<const char* const> schema) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(raw);
  if (code != SQLITE_OK) return fail(error_of(raw, code).with_context(file.string()));
  sqlite3_busy_timeout(raw, kBusyMaxMs);
  for (const char* setting : {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON", "PRAGMA trusted_schema=OFF"}) {
    if (Status set = database.execute(setting); !set) return fail(set.error().with_context(file.string()));
  }
  Result<Statement> check = database.prepare("PRAGMA quick_check(1)");
  if (!check) return fail(check.error().with_context(file.string()));
  const Result<bool> row = check->next();
  if (!row) return fail(row.error().with_context(file.string()));
  if (const std::string verdict = check->text(0); verdict != "ok")
    return fail(ErrorKind::kCorrupt,
                fmt::format("{}: the file is damaged ({}): restore it from a backup, or move it away to begin anew", file.string(), verdict));
  if (Status migrated = database.migrate(schema, file); !migrated) return fail(migrated.error().with_context(file.string()));
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return fail(error_of(database_.get(), code));
  return Statement(database_.get(), statement);
}

Status Database::execute(const char* sql) {
  const int code = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return fail(error_of(database_.get(), code));
  return {};
}

Status Database::migrate(std::span<const char* const> schema, const std::filesystem::path& file) {
  Result<Statement> asked = prepare("PRAGMA user_version");
  if (!asked) return fail(asked.error());
  if (const Result<bool> row = asked->next(); !row) return fail(row.error());
  const auto version = static_cast<size_t>(asked->integer(0));
  if (version > schema.size())
    return fail(ErrorKind::kInvalid,
                fmt::format("{} was written by a newer ebb (schema {}, this one knows {}): use that one", file.filename().string(), version, schema.size()));
  for (size_t next = version; next < schema.size(); ++next) {
    const Status done = transaction([&]() -> Status {
      if (Status made = execute(schema[next]); !made) return made;
      return execute(fmt::format("PRAGMA user_version={}", next + 1).c_str());
    });
    if (!done) return done;
  }
  return {};
}

}  // namespace ebb::store
