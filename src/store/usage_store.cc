// Records and their book. The sums by hour, which are written together with them and so never differ, are in usage_hours.cc.
#include "store/usage_store.h"

#include <fmt/format.h>

#include <chrono>
#include <limits>
#include <thread>

#include "store/usage_rows.h"
#include "store/usage_schema.h"

namespace ebb::store {

namespace {

constexpr const char* kInsertRecord = "INSERT INTO usage VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(call) DO NOTHING";
constexpr const char* kInsertEntry = "INSERT INTO book(number, call, link) VALUES(?,?,?)";
constexpr const char* kHead = "SELECT number, link FROM book ORDER BY number DESC LIMIT 1";
constexpr const char* kBook =
    "SELECT u.*, b.number, b.call, b.link FROM book AS b LEFT JOIN usage AS u ON u.call = b.call WHERE b.number > ? ORDER BY b.number LIMIT ?";
constexpr const char* kRecent = "SELECT * FROM usage WHERE endpoint = ? ORDER BY ended_ms DESC, call DESC LIMIT ?";
constexpr const char* kRecord = "SELECT * FROM usage WHERE call = ?";
// From the place (ended, call) on: the two conditions on the time are what the index is searched by.
constexpr const char* kPage =
    "SELECT * FROM usage WHERE ended_ms >= ?1 AND ended_ms < ?2 AND (ended_ms > ?1 OR call > ?3) AND (?6 IS NULL OR tenant = ?6) ORDER BY ended_ms, call LIMIT "
    "?4";
constexpr const char* kPageOfEndpoint =
    "SELECT * FROM usage WHERE endpoint = ?5 AND ended_ms >= ?1 AND ended_ms < ?2 AND (ended_ms > ?1 OR call > ?3) AND (?6 IS NULL OR tenant = ?6) ORDER BY "
    "ended_ms, call LIMIT ?4";

// Some 150 us of work, and the shortest pause that there is, which is half as long.
constexpr size_t kRecordsBetweenPauses = 32;
constexpr std::chrono::microseconds kPause{1};

}  // namespace

Result<std::unique_ptr<UsageStore>> UsageStore::open(const std::filesystem::path& home) {
  std::filesystem::path file = home / "usage.db";
  Result<Database> database = Database::open(file, kUsageSchema, Database::Check::kLater);
  if (!database) return fail(database.error());
  if (Status sums = database->check_by("PRAGMA quick_check(usage_hours)"); !sums) return fail(sums.error());
  return std::unique_ptr<UsageStore>(new UsageStore(std::move(file), std::move(*database)));
}

Status UsageStore::reopen() {
  database_.close();
  latest_hours_.clear();
  Result<Database> database = Database::open(file_, kUsageSchema);
  if (!database) return fail(database.error());
  database_ = std::move(*database);
  return {};
}

Result<Appended> UsageStore::append(std::span<const domain::UsageRecord> records, Manner manner) {
  Appended count;
  Status written = database_.transaction([&] { return write(records, manner, count); });
  if (!written) latest_hours_.clear();  // what was added to them is not there
  if (!written) return fail(written.error());
  return count;
}

Status UsageStore::write(std::span<const domain::UsageRecord> records, Manner manner, Appended& count) {
  Result<Statement> insert = database_.prepare(kInsertRecord);
  if (!insert) return fail(insert.error());
  Result<BookHead> head = book_head();
  if (!head) return fail(head.error());
  Result<Statement> entry = database_.prepare(kInsertEntry);
  if (!entry) return fail(entry.error());
  std::map<UsageKey, UsageSums> hours;
  size_t since_pause = 0;
  for (const domain::UsageRecord& record : records) {
    if (manner == Manner::kGently && since_pause++ == kRecordsBetweenPauses) {
      std::this_thread::sleep_for(kPause);
      since_pause = 1;
    }
    bind(*insert, record);
    if (Status inserted = insert->run(); !inserted) return inserted;
    if (database_.changed() == 0) {
      ++count.existing;
      continue;
    }
    ++count.written;
    head->link = link_after(head->link, record);
    if (Status linked = entry->bind(1, ++head->number).bind(2, static_cast<int64_t>(record.call.value)).bind_borrowed(3, head->link).run(); !linked)
      return linked;
    hours[key_of(record)] += sums_of(record);
  }
  for (auto& [key, sums] : hours) {
    if (Status added = add_to_hour(key, sums); !added) return added;
  }
  if (latest_hours_.size() > kLatestHoursMax) latest_hours_.clear();
  for (auto& [key, sums] : hours)
    latest_hours_[key] = sums;
  return {};
}

Result<BookHead> UsageStore::book_head() {
  Result<Statement> last = database_.prepare(kHead);
  if (!last) return fail(last.error());
  const Result<bool> row = last->next();
  if (!row) return fail(row.error());
  return *row ? BookHead{.number = last->integer(0), .link = last->text(1)} : BookHead{};
}

Result<std::vector<BookEntry>> UsageStore::book(int64_t after, int64_t limit) {
  Result<Statement> rows = database_.prepare(kBook);
  if (!rows) return fail(rows.error());
  rows->bind(1, after).bind(2, limit);
  return rows->all([](const Statement& row) -> Result<BookEntry> {
    const int64_t number = row.integer(1 + kRecordChecksum);
    const std::string what = fmt::format("entry {} of the book, call {}", number, to_hex(static_cast<uint64_t>(row.integer(2 + kRecordChecksum))));
    if (row.is_null(0)) return fail(ErrorKind::kCorrupt, what + ": its record is missing");
    Result<domain::UsageRecord> record = read_record(row);
    if (!record) return fail(record.error().with_context(what));
    return BookEntry{.number = number, .record = std::move(*record), .link = row.text(3 + kRecordChecksum)};
  });
}

Result<std::vector<domain::UsageRecord>> UsageStore::recent(const std::string& endpoint, int64_t limit) {
  Result<Statement> rows = database_.prepare(kRecent);
  if (!rows) return fail(rows.error());
  rows->bind(1, endpoint).bind(2, limit);
  return rows->all(read_record);
}

Result<std::optional<domain::UsageRecord>> UsageStore::find(CallId call) {
  Result<Statement> rows = database_.prepare(kRecord);
  if (!rows) return fail(rows.error());
  rows->bind(1, static_cast<int64_t>(call.value));
  Result<std::vector<domain::UsageRecord>> found = rows->all(read_record);
  if (!found) return fail(found.error());
  return found->empty() ? std::optional<domain::UsageRecord>() : std::move(found->front());
}

Result<std::vector<domain::UsageRecord>> UsageStore::page(const UsagePage& page) {
  constexpr int64_t kFar = std::numeric_limits<int64_t>::max();
  int64_t from = page.from ? ms_of(*page.from) : -kFar;
  int64_t after = -1;  // ids are not negative: all of the first moment
  if (page.after && ms_of(page.after->ended) >= from) {
    from = ms_of(page.after->ended);
    after = static_cast<int64_t>(page.after->call.value);
  }
  Result<Statement> rows = database_.prepare(page.endpoint ? kPageOfEndpoint : kPage);
  if (!rows) return fail(rows.error());
  rows->bind(1, from).bind(2, page.to ? ms_of(*page.to) : kFar).bind(3, after).bind(4, page.limit);
  if (page.endpoint) rows->bind(5, *page.endpoint);
  if (page.tenant)
    rows->bind(6, *page.tenant);
  else
    rows->bind_null(6);
  return rows->all(read_record);
}

Result<uint64_t> UsageStore::highest_call_id() {
  Result<Statement> highest = database_.prepare("SELECT coalesce(max(call), 0) FROM usage");
  if (!highest) return fail(highest.error());
  if (const Result<bool> row = highest->next(); !row) return fail(row.error());
  return static_cast<uint64_t>(highest->integer(0));
}

}  // namespace ebb::store
