// SQLite with one connection for each file: WAL, full sync, prepared statements only, typed errors.
//
// Not thread-safe: one owner at a time. Errors: kExhausted (disk full), kIo (read-only, no rights), kCorrupt (with what to do),
// kUnavailable (another process holds the file).
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ebb::store {

class Database;

// A prepared statement. Parameters are numbered from 1, columns from 0.
class Statement {
 public:
  Statement& bind(int index, int64_t value);
  Statement& bind(int index, std::string_view value);
  Statement& bind_null(int index);
  // True: a row is there to be read. False: done.
  Result<bool> next();
  // For statements that give no rows.
  Status run();

  int64_t integer(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;

 private:
  friend class Database;
  Statement(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement, &sqlite3_finalize) {}
  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement_;
};

class Database {
 public:
  // Opens or creates the file, checks it, and brings its schema up to `schema.size()`: the n-th script leads from version n−1 to n.
  // A file with a newer version is refused.
  static Result<Database> open(const std::filesystem::path& file, std::span<const char* const> schema);

  Result<Statement> prepare(std::string_view sql);
  // Everything that `work` writes is there at once and synced, or nothing of it.
  template <class Work>
  Status transaction(Work work) {
    if (Status begun = execute("BEGIN IMMEDIATE"); !begun) return begun;
    if (Status done = work(); !done) {
      (void)execute("ROLLBACK");
      return done;
    }
    Status committed = execute("COMMIT");
    if (!committed) (void)execute("ROLLBACK");
    return committed;
  }

 private:
  explicit Database(sqlite3* database) : database_(database, &sqlite3_close_v2) {}
  Status execute(const char* sql);
  Status migrate(std::span<const char* const> schema, const std::filesystem::path& file);

  std::unique_ptr<sqlite3, int (*)(sqlite3*)> database_;
};

}  // namespace ebb::store
