// SQLite with one connection for each file: WAL, full sync, prepared statements only, typed errors.
//
// The connection holds the file exclusively from open to end, because SQLite's WAL has a known race (before 3.51.3) that takes two
// connections: a second server, or a shell that looks into the file, gets kUnavailable.
// Not thread-safe: one owner at a time. Errors name the file: kExhausted (disk full), kIo (read-only, no rights, a failing disk), kCorrupt
// (with what to do), kUnavailable (another process holds the file), kExists (a key that is there already).
#pragma once

#include <sqlite3.h>
#include <atomic>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"
#include "store/checksum.h"

namespace ebb::store {

// A prepared statement, borrowed from its database until this goes. Parameters are numbered from 1, columns from 0.
class Statement {
 public:
  Statement& bind(int index, int64_t value);
  Statement& bind(int index, std::string_view value);
  Statement& bind(int index, const std::optional<int64_t>& value);
  // Without a copy: the text lives until the statement has run, and nobody runs it again without binding another.
  Statement& bind_borrowed(int index, std::string_view value);
  Statement& bind_null(int index);
  // The checksum of what was bound before, which must have been in the order of the columns that check_row reads.
  Statement& bind_checksum(int index);
  // True: a row is there to be read. False: done; the next call begins anew.
  Result<bool> next();
  // What `read` makes of each row; its first error ends it.
  template <class Read>
  auto all(Read read) -> Result<std::vector<typename std::invoke_result_t<Read, const Statement&>::value_type>> {
    std::vector<typename std::invoke_result_t<Read, const Statement&>::value_type> rows;
    for (;;) {
      const Result<bool> row = next();
      if (!row) return fail(row.error());
      if (!*row) return rows;
      auto one = read(std::as_const(*this));
      if (!one) return fail(one.error());
      rows.push_back(std::move(*one));
    }
  }
  // For statements that give no rows.
  Status run();

  int64_t integer(int column) const;
  std::optional<int64_t> optional_integer(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;
  // kCorrupt unless column `checksum` is that of the columns before it.
  Status check_row(int checksum) const;

 private:
  friend class Database;
  struct Rewind {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  std::unique_ptr<sqlite3_stmt, Rewind> statement_;
  Checksum bound_;
};

class Database {
 public:
  // Opens or creates the file (mode 0600), checks all of it, and brings its schema up to `schema.size()`: the n-th script leads
  // from version n−1 to n. A file with a newer version is refused. What a crash left in the log is moved into the file and synced.
  // kLater: its owner checks it soon (`check`), since that takes a while for a large file, and at once what it reads before (`check_by`). Before its schema
  // changes it is checked all the same.
  enum class Check { kFirst, kLater };
  static Result<Database> open(const std::filesystem::path& file, std::span<const char* const> schema, Check check = Check::kFirst);

  // `sql` is a constant of the program: the prepared form is kept. One borrower of each text at a time.
  Result<Statement> prepare(std::string_view sql);
  // Rows that the last statement changed.
  int64_t changed() const;

  // Everything that `work` writes is there at once and synced, or nothing of it.
  template <class Work>
  Status transaction(Work work) {
    if (Status begun = execute("BEGIN IMMEDIATE"); !begun) return begun;
    Status done = work();
    if (done) done = execute("COMMIT");
    if (!done) roll_back();
    return done;
  }

  // What open() checks: 0.4 s for a million rows. kCorrupt says what is wrong. kCancelled: `give_way` became true.
  Status check(const std::atomic<bool>& give_way);
  // The same by "PRAGMA quick_check(TABLE)", a constant of the program.
  Status check_by(std::string_view pragma);
  // The same, and besides that each index finds what its table has: some seconds for a million rows.
  Status check_all();

  // Lets the file go. Whatever is asked later fails with kUnavailable.
  void close();

 private:
  explicit Database(sqlite3* connection) : connection_(connection, &sqlite3_close_v2) {}
  Status execute(const char* sql);
  void roll_back();
  Status set_up();
  Result<size_t> version();
  Status migrate(std::span<const char* const> schema);

  std::unique_ptr<sqlite3, int (*)(sqlite3*)> connection_;
  // By text; destroyed before the connection.
  std::map<std::string, std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>, std::less<>> prepared_;
};

}  // namespace ebb::store
