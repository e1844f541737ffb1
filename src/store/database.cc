// The mapping of SQLite's results, and the order of its settings.
#include "store/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "base/check.h"
#include "base/fd.h"
#include "io/files.h"
#include "store/sha256_hex.h"

namespace ebb::store {

namespace {

// Only another process can hold the file, and it will not let it go soon.
constexpr int kBusyMaxMs = 1000;
// Some ten million usage records.
constexpr size_t kReadOnceMax = size_t{2} << 30U;
constexpr size_t kReadAtOnce = size_t{1} << 20U;

bool is_full(int errno_value) { return errno_value == ENOSPC || errno_value == EDQUOT || errno_value == EFBIG; }

std::string name_of(sqlite3* connection) {
  const char* name = sqlite3_db_filename(connection, "main");
  return name == nullptr ? "the database" : name;
}

Error damaged(const std::string& name, std::string_view how) {
  return {.kind = ErrorKind::kCorrupt, .message = fmt::format("{} is damaged ({}): restore it from a backup, or move it away to begin anew", name, how)};
}

Error read_only(const std::string& name, std::string_view why) {
  return {.kind = ErrorKind::kIo,
          .message = fmt::format("{} cannot be written ({}): check the rights of its folder and that its disk is not mounted read-only", name, why)};
}

// Called before anything else can change errno: what a commit ran into is not in sqlite3_system_errno.
Error error_of(sqlite3* connection, int code) {
  const int last_errno = errno;
  const int system = sqlite3_system_errno(connection) != 0 ? sqlite3_system_errno(connection) : last_errno;
  const std::string name = name_of(connection);
  const std::string message = sqlite3_errmsg(connection);
  Error full{.kind = ErrorKind::kExhausted, .message = fmt::format("{}: the disk is full: free some space on it", name)};
  if (code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_ROWID)
    return {.kind = ErrorKind::kExists, .message = fmt::format("{}: {}", name, message)};
  switch (code & 0xFF) {
    case SQLITE_FULL: return full;
    case SQLITE_IOERR:
      if (is_full(system)) return full;
      return {.kind = ErrorKind::kIo,
              .message = fmt::format("{}: {} ({}): check the disk and its log", name, message, std::generic_category().message(system))};
    // SQLITE_ERROR too: our statements fit our schema, so the file has another one.
    case SQLITE_ERROR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return damaged(name, message);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return {.kind = ErrorKind::kUnavailable,
              .message = fmt::format("{} is held by another process: another `ebb serve`, or a program that looks into it; end that first", name)};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN: return read_only(name, message);
    case SQLITE_INTERRUPT: return {.kind = ErrorKind::kCancelled, .message = fmt::format("{}: something else came first", name)};
    case SQLITE_NOMEM: return {.kind = ErrorKind::kExhausted, .message = fmt::format("{}: out of memory", name)};
    default: return {.kind = ErrorKind::kInternal, .message = fmt::format("{}: {}", name, message)};
  }
}

// SQLite would make the file readable for everybody; its log takes over the mode. No link, so that nobody points us at another file.
Status make_file(const std::filesystem::path& file) {
  const Fd made(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (made) return {};
  if (errno == EACCES || errno == EROFS || errno == EPERM) return fail(read_only(file.string(), std::generic_category().message(errno)));
  return fail(errno_error(fmt::format("cannot open {}", file.string()), errno));
}

// The check wants each page once, in the order of the trees: from a disk that is many times slower than one pass over the file, after which all are in memory.
// What the machine has no memory for goes again, so nothing can fail here.
void read_once(const std::filesystem::path& file) {
  const Fd in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!in) return;
  (void)::posix_fadvise(in.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  std::vector<char> buffer(kReadAtOnce);
  for (size_t read = 0; read < kReadOnceMax; read += kReadAtOnce) {
    if (::read(in.get(), buffer.data(), buffer.size()) <= 0) return;
  }
}

// row_checksum(…) in SQL: what check_row finds for a row of these values.
void row_checksum(sqlite3_context* context, int count, sqlite3_value** values) {
  Checksum sum;
  for (int i = 0; i < count; ++i) {
    switch (sqlite3_value_type(values[i])) {
      case SQLITE_INTEGER: sum.add(static_cast<int64_t>(sqlite3_value_int64(values[i]))); break;
      case SQLITE_NULL: sum.add_null(); break;
      default: {
        const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(values[i]));
        sum.add(std::string_view(text, static_cast<size_t>(sqlite3_value_bytes(values[i]))));
      }
    }
  }
  sqlite3_result_int64(context, sum.value());
}

// sha256_hex(text) in SQL.
void sha256_of_text(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(values[0]));
  const std::string hex = sha256_hex(std::string_view(text == nullptr ? "" : text, static_cast<size_t>(sqlite3_value_bytes(values[0]))));
  sqlite3_result_text64(context, hex.data(), hex.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

}  // namespace

void Statement::Rewind::operator()(sqlite3_stmt* statement) const {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
}

Statement& Statement::bind(int index, int64_t value) {
  EBB_CHECK(sqlite3_bind_int64(statement_.get(), index, value) == SQLITE_OK);
  bound_.add(value);
  return *this;
}

Statement& Statement::bind(int index, std::string_view value) {
  EBB_CHECK(sqlite3_bind_text64(statement_.get(), index, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8) == SQLITE_OK);
  bound_.add(value);
  return *this;
}

Statement& Statement::bind_borrowed(int index, std::string_view value) {
  EBB_CHECK(sqlite3_bind_text64(statement_.get(), index, value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK);
  bound_.add(value);
  return *this;
}

Statement& Statement::bind(int index, const std::optional<int64_t>& value) { return value ? bind(index, *value) : bind_null(index); }

Statement& Statement::bind_null(int index) {
  EBB_CHECK(sqlite3_bind_null(statement_.get(), index) == SQLITE_OK);
  bound_.add_null();
  return *this;
}

Statement& Statement::bind_checksum(int index) { return bind(index, bound_.value()); }

Result<bool> Statement::next() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  // The reason is gone after the reset, without which the statement would hold its transaction open.
  const Error error = code == SQLITE_DONE ? Error{} : error_of(sqlite3_db_handle(statement_.get()), code);
  sqlite3_reset(statement_.get());
  bound_ = Checksum();
  if (code == SQLITE_DONE) return false;
  return fail(error);
}

Status Statement::run() {
  const Result<bool> row = next();
  if (!row) return fail(row.error());
  EBB_CHECK(!*row);
  return {};
}

int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
bool Statement::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }
std::optional<int64_t> Statement::optional_integer(int column) const { return is_null(column) ? std::nullopt : std::optional(integer(column)); }

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  return bytes == nullptr ? std::string() : std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column)));
}

Status Statement::check_row(int checksum) const {
  Checksum found;
  for (int column = 0; column < checksum; ++column) {
    switch (sqlite3_column_type(statement_.get(), column)) {
      case SQLITE_INTEGER: found.add(integer(column)); break;
      case SQLITE_NULL: found.add_null(); break;
      default: found.add(text(column));
    }
  }
  if (found.value() == integer(checksum)) return {};
  return fail(damaged(name_of(sqlite3_db_handle(statement_.get())), "a row does not have its checksum"));
}

Result<Database> Database::open(const std::filesystem::path& file, std::span<const char* const> schema, Check check) {
  if (Status made = make_file(file); !made) return fail(made.error());
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  EBB_CHECK(raw != nullptr);
  Database database(raw);
  if (code != SQLITE_OK) return fail(error_of(raw, code));
  sqlite3_busy_timeout(raw, kBusyMaxMs);
  Status ready = database.set_up();
  // Looked at before anything is written: a damaged file stays as it was found.
  const Result<size_t> version = ready ? database.version() : Result<size_t>(0U);
  if (ready && !version) ready = fail(version.error());
  if (ready && (check == Check::kFirst || *version < schema.size())) {
    read_once(file);
    ready = database.check_by("PRAGMA quick_check(1)");
  }
  if (ready) ready = database.migrate(schema);
  // After a failed sync, bytes of the log may be in the page cache only, and look as if they were stored. Copied into the
  // file and synced there, they are.
  if (ready) ready = database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  // SQLite does not ask how the sync of the folder went when it made its log.
  if (ready) ready = io::sync_folder(file.has_parent_path() ? file.parent_path() : ".");
  if (!ready) return fail(ready.error());
  return database;
}

Status Database::set_up() {
  // Exclusive first: then the log's index lies in our memory, not in a file that others can map.
  for (const char* setting : {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA journal_size_limit=16777216",
                              "PRAGMA foreign_keys=ON", "PRAGMA trusted_schema=OFF", "PRAGMA cell_size_check=ON"}) {
    if (Status set = execute(setting); !set) return set;
  }
  // For migrations.
  const int made = sqlite3_create_function_v2(connection_.get(), "row_checksum", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, nullptr,
                                              row_checksum, nullptr, nullptr, nullptr);
  EBB_CHECK(made == SQLITE_OK);
  const int hashes = sqlite3_create_function_v2(connection_.get(), "sha256_hex", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, nullptr,
                                                sha256_of_text, nullptr, nullptr, nullptr);
  EBB_CHECK(hashes == SQLITE_OK);
  return {};
}

Status Database::check(const std::atomic<bool>& give_way) {
  if (!connection_) return fail(ErrorKind::kUnavailable, "the store is closed since a write failed; it is being opened again");
  read_once(sqlite3_db_filename(connection_.get(), "main"));
  constexpr int kStepsBetweenLooks = 10'000;  // some 100 us
  const auto look = [](void* flag) { return static_cast<const std::atomic<bool>*>(flag)->load(std::memory_order_relaxed) ? 1 : 0; };
  sqlite3_progress_handler(connection_.get(), kStepsBetweenLooks, look, const_cast<std::atomic<bool>*>(&give_way));
  Status checked = check_by("PRAGMA quick_check(1)");
  sqlite3_progress_handler(connection_.get(), 0, nullptr, nullptr);
  return checked;
}
Status Database::check_all() { return check_by("PRAGMA integrity_check(1)"); }

Status Database::check_by(std::string_view pragma) {
  Result<Statement> check = prepare(pragma);
  if (!check) return fail(check.error());
  const Result<bool> row = check->next();
  if (!row) return fail(row.error());
  if (const std::string verdict = check->text(0); verdict != "ok") return fail(damaged(name_of(connection_.get()), verdict));
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  if (!connection_) return fail(ErrorKind::kUnavailable, "the store is closed since a write failed; it is being opened again");
  if (const auto found = prepared_.find(sql); found != prepared_.end()) {
    EBB_CHECK(sqlite3_stmt_busy(found->second.get()) == 0);
    return Statement(found->second.get());
  }
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return fail(error_of(connection_.get(), code));
  prepared_.emplace(sql, std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>(statement, &sqlite3_finalize));
  return Statement(statement);
}

int64_t Database::changed() const { return sqlite3_changes64(connection_.get()); }

Status Database::execute(const char* sql) {
  if (!connection_) return fail(ErrorKind::kUnavailable, "the store is closed since a write failed; it is being opened again");
  const int code = sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return fail(error_of(connection_.get(), code));
  return {};
}

void Database::roll_back() {
  // SQLite has often done it by itself, and then says that there is nothing to roll back.
  if (connection_ && sqlite3_get_autocommit(connection_.get()) == 0) (void)execute("ROLLBACK");
}

void Database::close() {
  prepared_.clear();
  connection_.reset();
}

Result<size_t> Database::version() {
  Result<Statement> asked = prepare("PRAGMA user_version");
  if (!asked) return fail(asked.error());
  if (const Result<bool> row = asked->next(); !row) return fail(row.error());
  return static_cast<size_t>(asked->integer(0));
}

Status Database::migrate(std::span<const char* const> schema) {
  const Result<size_t> asked = version();
  if (!asked) return fail(asked.error());
  const size_t version = *asked;
  if (version > schema.size())
    return fail(ErrorKind::kInvalid, fmt::format("{} was written by a newer ebb (schema {}, this one knows up to {}): use that one", name_of(connection_.get()),
                                                 version, schema.size()));
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
