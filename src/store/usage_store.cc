// Two tables: records, and their sums by hour, which are written together and so never differ.
#include "store/usage_store.h"

#include <fmt/format.h>

#include <limits>
#include <tuple>

#include "store/usage_schema.h"

namespace ebb::store {

namespace {

constexpr const char* kInsertRecord = "INSERT INTO usage VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(call) DO NOTHING";
constexpr const char* kInsertEntry = "INSERT INTO book(number, call, link) VALUES(?,?,?)";
constexpr const char* kHead = "SELECT number, link FROM book ORDER BY number DESC LIMIT 1";
constexpr const char* kBook =
    "SELECT u.*, b.number, b.call, b.link FROM book AS b LEFT JOIN usage AS u ON u.call = b.call WHERE b.number > ? ORDER BY b.number LIMIT ?";
constexpr const char* kWithoutEntry = "SELECT (SELECT count(*) FROM usage) - (SELECT count(*) FROM book)";
constexpr const char* kRecordsByTime = "SELECT * FROM usage WHERE ended_ms >= ? AND ended_ms < ?";
constexpr const char* kRecent = "SELECT * FROM usage WHERE endpoint = ? ORDER BY ended_ms DESC, call DESC LIMIT ?";
constexpr const char* kRecord = "SELECT * FROM usage WHERE call = ?";
// From the place (ended, call) on: the two conditions on the time are what the index is searched by.
constexpr const char* kPage =
    "SELECT * FROM usage WHERE ended_ms >= ?1 AND ended_ms < ?2 AND (ended_ms > ?1 OR call > ?3) AND (?6 IS NULL OR tenant = ?6) ORDER BY ended_ms, call LIMIT "
    "?4";
constexpr const char* kPageOfEndpoint =
    "SELECT * FROM usage WHERE endpoint = ?5 AND ended_ms >= ?1 AND ended_ms < ?2 AND (ended_ms > ?1 OR call > ?3) AND (?6 IS NULL OR tenant = ?6) ORDER BY "
    "ended_ms, call LIMIT ?4";
constexpr int kRecordChecksum = 20;  // its column

constexpr const char* kPutHour = "INSERT OR REPLACE INTO usage_hours VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
constexpr const char* kHour = "SELECT * FROM usage_hours WHERE hour = ? AND endpoint = ? AND tier = ? AND tenant = ? AND key = ?";
constexpr const char* kHours = "SELECT * FROM usage_hours WHERE hour >= ? AND hour < ?";
constexpr int kHourChecksum = 16;

int64_t to_ms(WallTime time) { return time.time_since_epoch().count(); }

void bind(Statement& s, const domain::UsageRecord& r) {
  s.bind(1, static_cast<int64_t>(r.call.value)).bind(2, r.endpoint).bind(3, static_cast<int64_t>(r.revision.value)).bind(4, to_ms(r.ended));
  s.bind(5, to_string(r.tier)).bind(6, to_string(r.outcome)).bind(7, int64_t{r.queued.count()}).bind(8, int64_t{r.start.count()});
  s.bind(9, int64_t{r.busy.count()}).bind(10, int64_t{r.first_byte.count()}).bind(11, int64_t{r.total.count()});
  s.bind(12, r.billed_ms).bind(13, r.memory_mib).bind(14, r.cost).bind(15, r.prompt_tokens).bind(16, r.completion_tokens);
  s.bind(17, r.tenant).bind(18, r.key).bind(19, r.prices).bind(20, r.list_cost);
  s.bind_checksum(1 + kRecordChecksum);
}

Result<domain::UsageRecord> read_record(const Statement& s) {
  if (Status sound = s.check_row(kRecordChecksum); !sound) return fail(sound.error());
  const Result<domain::Tier> tier = domain::parse_tier(s.text(4));
  if (!tier) return fail(tier.error());
  const Result<domain::Outcome> outcome = domain::parse_outcome(s.text(5));
  if (!outcome) return fail(outcome.error());
  return domain::UsageRecord{.call = CallId{static_cast<uint64_t>(s.integer(0))},
                             .endpoint = s.text(1),
                             .revision = RevisionId{static_cast<uint64_t>(s.integer(2))},
                             .ended = WallTime(milliseconds(s.integer(3))),
                             .tier = *tier,
                             .outcome = *outcome,
                             .queued = nanoseconds(s.integer(6)),
                             .start = nanoseconds(s.integer(7)),
                             .busy = nanoseconds(s.integer(8)),
                             .first_byte = nanoseconds(s.integer(9)),
                             .total = nanoseconds(s.integer(10)),
                             .billed_ms = s.integer(11),
                             .memory_mib = s.integer(12),
                             .cost = s.integer(13),
                             .prompt_tokens = s.integer(14),
                             .completion_tokens = s.integer(15),
                             .tenant = s.text(16),
                             .key = s.text(17),
                             .prices = s.integer(18),
                             .list_cost = s.integer(19)};
}

void bind(Statement& s, const UsageKey& key, const UsageSums& sums) {
  s.bind(1, int64_t{key.hour.time_since_epoch().count()}).bind(2, key.endpoint).bind(3, key.tier).bind(4, key.tenant).bind(5, key.key);
  s.bind(6, sums.calls).bind(7, sums.paid).bind(8, sums.faults).bind(9, sums.billed_ms).bind(10, sums.mib_ms).bind(11, sums.busy_ns);
  s.bind(12, sums.cost).bind(13, sums.list_cost).bind(14, sums.prompt_tokens).bind(15, sums.completion_tokens).bind(16, to_ms(sums.last_ended));
  s.bind_checksum(1 + kHourChecksum);
}

UsageKey read_key(const Statement& s) {
  return {.hour = Hour(std::chrono::hours(s.integer(0))), .endpoint = s.text(1), .tier = s.text(2), .tenant = s.text(3), .key = s.text(4)};
}

UsageSums read_sums(const Statement& s) {
  return {.calls = s.integer(5),
          .paid = s.integer(6),
          .faults = s.integer(7),
          .billed_ms = s.integer(8),
          .mib_ms = s.integer(9),
          .busy_ns = s.integer(10),
          .cost = s.integer(11),
          .list_cost = s.integer(12),
          .prompt_tokens = s.integer(13),
          .completion_tokens = s.integer(14),
          .last_ended = WallTime(milliseconds(s.integer(15)))};
}

// The rows of a bill while they are summed. A key that is not asked for is the same in every row.
class Sheet {
 public:
  explicit Sheet(const BillFilter& filter) : filter_(filter) {}

  void add(const UsageKey& key, const UsageSums& sums) {
    const auto fits = [](const std::optional<std::string>& wanted, const std::string& has) { return !wanted || *wanted == has; };
    if (!fits(filter_.endpoint, key.endpoint) || !fits(filter_.tenant, key.tenant) || !fits(filter_.key, key.key)) return;
    const auto if_asked = [](bool asked, const std::string& text) { return asked ? text : std::string(); };
    rows_[{if_asked(filter_.by_endpoint, key.endpoint), filter_.by_day ? std::chrono::floor<std::chrono::days>(key.hour) : std::chrono::sys_days{},
           if_asked(filter_.by_tier, key.tier), if_asked(filter_.by_tenant, key.tenant), if_asked(filter_.by_key, key.key)}] += sums;
  }

  std::vector<BillRow> rows() {
    if (!filter_.by_endpoint && !filter_.by_day && !filter_.by_tier && !filter_.by_tenant && !filter_.by_key) rows_[{}];
    std::vector<BillRow> bill;
    for (const auto& [key, sums] : rows_) {
      bill.push_back({.endpoint = std::get<0>(key),
                      .day = filter_.by_day ? day_of(std::get<1>(key)) : std::string(),
                      .tier = std::get<2>(key),
                      .tenant = std::get<3>(key),
                      .key = std::get<4>(key),
                      .calls = sums.calls,
                      .faults = sums.faults,
                      .billed_ms = sums.billed_ms,
                      .mib_ms = sums.mib_ms,
                      .busy_ns = sums.busy_ns,
                      .cost = sums.cost,
                      .list_cost = sums.list_cost,
                      .prompt_tokens = sums.prompt_tokens,
                      .completion_tokens = sums.completion_tokens});
    }
    return bill;
  }

 private:
  const BillFilter& filter_;
  std::map<std::tuple<std::string, std::chrono::sys_days, std::string, std::string, std::string>, UsageSums> rows_;
};

}  // namespace

Result<std::unique_ptr<UsageStore>> UsageStore::open(const std::filesystem::path& home) {
  std::filesystem::path file = home / "usage.db";
  Result<Database> database = Database::open(file, kUsageSchema);
  if (!database) return fail(database.error());
  return std::unique_ptr<UsageStore>(new UsageStore(std::move(file), std::move(*database)));
}

Status UsageStore::reopen() {
  database_.close();
  Result<Database> database = Database::open(file_, kUsageSchema);
  if (!database) return fail(database.error());
  database_ = std::move(*database);
  return {};
}

Result<Appended> UsageStore::append(std::span<const domain::UsageRecord> records) {
  Appended count;
  if (Status written = database_.transaction([&] { return write(records, count); }); !written) return fail(written.error());
  return count;
}

Status UsageStore::write(std::span<const domain::UsageRecord> records, Appended& count) {
  Result<Statement> insert = database_.prepare(kInsertRecord);
  if (!insert) return fail(insert.error());
  Result<BookHead> head = book_head();
  if (!head) return fail(head.error());
  Result<Statement> entry = database_.prepare(kInsertEntry);
  if (!entry) return fail(entry.error());
  std::map<UsageKey, UsageSums> hours;
  for (const domain::UsageRecord& record : records) {
    bind(*insert, record);
    if (Status inserted = insert->run(); !inserted) return inserted;
    if (database_.changed() == 0) {
      ++count.existing;
      continue;
    }
    ++count.written;
    head->link = link_after(head->link, record);
    if (Status linked = entry->bind(1, ++head->number).bind(2, static_cast<int64_t>(record.call.value)).bind(3, head->link).run(); !linked) return linked;
    hours[key_of(record)] += sums_of(record);
  }
  for (const auto& [key, sums] : hours) {
    if (Status added = add_to_hour(key, sums); !added) return added;
  }
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

Status UsageStore::check_sums(const BookCheck& book) {
  std::map<UsageKey, UsageSums> kept;
  Status visited = visit_hours(Hour::min(), Hour::max(), [&kept](const UsageKey& key, const UsageSums& sums) { kept[key] = sums; });
  if (!visited) return visited;
  Result<Statement> more = database_.prepare(kWithoutEntry);
  if (!more) return fail(more.error());
  if (const Result<bool> row = more->next(); !row) return fail(row.error());
  if (Status indexes = database_.check_all(); !indexes) return indexes;
  if (more->integer(0) != 0) return fail(ErrorKind::kCorrupt, fmt::format("{} records of calls are not in the book", more->integer(0)));
  return book.check_sums(kept);
}

Status UsageStore::add_to_hour(const UsageKey& key, UsageSums sums) {
  {
    Result<Statement> hour = database_.prepare(kHour);
    if (!hour) return fail(hour.error());
    const Result<bool> found =
        hour->bind(1, int64_t{key.hour.time_since_epoch().count()}).bind(2, key.endpoint).bind(3, key.tier).bind(4, key.tenant).bind(5, key.key).next();
    if (!found) return fail(found.error());
    if (*found) {
      if (Status sound = hour->check_row(kHourChecksum); !sound) return sound;
      sums += read_sums(*hour);
    }
  }
  Result<Statement> put = database_.prepare(kPutHour);
  if (!put) return fail(put.error());
  bind(*put, key, sums);
  return put->run();
}

template <class Visit>
Status UsageStore::visit_hours(Hour from, Hour to, Visit visit) {
  Result<Statement> rows = database_.prepare(kHours);
  if (!rows) return fail(rows.error());
  rows->bind(1, int64_t{from.time_since_epoch().count()}).bind(2, int64_t{to.time_since_epoch().count()});
  for (;;) {
    const Result<bool> row = rows->next();
    if (!row) return fail(row.error());
    if (!*row) return {};
    if (Status sound = rows->check_row(kHourChecksum); !sound) return sound;
    visit(read_key(*rows), read_sums(*rows));
  }
}

template <class Visit>
Status UsageStore::visit_records(WallTime from, WallTime to, Visit visit) {
  if (from >= to) return {};
  Result<Statement> rows = database_.prepare(kRecordsByTime);
  if (!rows) return fail(rows.error());
  rows->bind(1, to_ms(from)).bind(2, to_ms(to));
  for (;;) {
    const Result<bool> row = rows->next();
    if (!row) return fail(row.error());
    if (!*row) return {};
    const Result<domain::UsageRecord> record = read_record(*rows);
    if (!record) return fail(record.error());
    visit(key_of(*record), sums_of(*record));
  }
}

Result<std::vector<BillRow>> UsageStore::bill(const BillFilter& filter) {
  Sheet sheet(filter);
  const auto add = [&sheet](const UsageKey& key, const UsageSums& sums) { sheet.add(key, sums); };
  // [from, to) = records up to the first whole hour + whole hours + records from the last whole hour on.
  const Hour first = filter.from ? std::chrono::ceil<std::chrono::hours>(*filter.from) : Hour::min();
  const Hour last = filter.to ? std::chrono::floor<std::chrono::hours>(*filter.to) : Hour::max();
  Status summed;
  if (filter.from && filter.to && first >= last) {
    summed = visit_records(*filter.from, *filter.to, add);
  } else {
    if (filter.from) summed = visit_records(*filter.from, first, add);
    if (summed) summed = visit_hours(first, last, add);
    if (summed && filter.to) summed = visit_records(last, *filter.to, add);
  }
  if (!summed) return fail(summed.error());
  return sheet.rows();
}

Result<domain::Pico> UsageStore::spent(const domain::Budget& budget, const domain::Span& span) {
  BillFilter filter{.from = span.from};
  if (span.to != WallTime::max()) filter.to = span.to;
  switch (budget.of) {
    case domain::BudgetOf::kTenant: filter.tenant = budget.name; break;
    case domain::BudgetOf::kKey: filter.key = budget.name; break;
    case domain::BudgetOf::kEndpoint: filter.endpoint = budget.name; break;
  }
  const Result<std::vector<BillRow>> row = bill(filter);
  if (!row) return fail(row.error());
  return row->front().cost;
}

Result<std::vector<domain::Pico>> UsageStore::spent_in(const domain::Budget& budget, Hour from, std::chrono::hours each, size_t times) {
  std::vector<domain::Pico> sums(times, 0);
  const auto name_of = [&](const UsageKey& key) -> const std::string& {
    return budget.of == domain::BudgetOf::kTenant ? key.tenant : budget.of == domain::BudgetOf::kKey ? key.key : key.endpoint;
  };
  Status summed = visit_hours(from, from + each * static_cast<int64_t>(times), [&](const UsageKey& key, const UsageSums& hour) {
    if (name_of(key) != budget.name) return;
    domain::Pico& sum = sums[static_cast<size_t>((key.hour - from) / each)];
    sum = domain::saturated_sum(sum, hour.cost);
  });
  if (!summed) return fail(summed.error());
  return sums;
}

Result<std::map<std::string, domain::Use>> UsageStore::used_since(Hour from) {
  std::map<std::string, domain::Use> used;
  Status summed = visit_hours(from, Hour::max(), [&used](const UsageKey& key, const UsageSums& sums) {
    if (key.tier == to_string(domain::Tier::kInit)) return;
    used[key.tenant] += {.mib_ms = sums.mib_ms, .calls = sums.paid, .prompt_tokens = sums.prompt_tokens, .completion_tokens = sums.completion_tokens};
  });
  if (!summed) return fail(summed.error());
  return used;
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
  int64_t from = page.from ? to_ms(*page.from) : -kFar;
  int64_t after = -1;  // ids are not negative: all of the first moment
  if (page.after && to_ms(page.after->ended) >= from) {
    from = to_ms(page.after->ended);
    after = static_cast<int64_t>(page.after->call.value);
  }
  Result<Statement> rows = database_.prepare(page.endpoint ? kPageOfEndpoint : kPage);
  if (!rows) return fail(rows.error());
  rows->bind(1, from).bind(2, page.to ? to_ms(*page.to) : kFar).bind(3, after).bind(4, page.limit);
  if (page.endpoint) rows->bind(5, *page.endpoint);
  if (page.tenant)
    rows->bind(6, *page.tenant);
  else
    rows->bind_null(6);
  return rows->all(read_record);
}

Result<std::map<std::string, EndpointTotals>> UsageStore::totals() {
  std::map<std::string, UsageSums> sums;
  Status summed = visit_hours(Hour::min(), Hour::max(), [&sums](const UsageKey& key, const UsageSums& hour) { sums[key.endpoint] += hour; });
  if (!summed) return fail(summed.error());
  std::map<std::string, EndpointTotals> totals;
  for (const auto& [endpoint, sum] : sums)
    totals[endpoint] = {.calls = sum.calls, .cost = sum.cost, .last_ended = sum.last_ended};
  return totals;
}

Result<uint64_t> UsageStore::highest_call_id() {
  Result<Statement> highest = database_.prepare("SELECT coalesce(max(call), 0) FROM usage");
  if (!highest) return fail(highest.error());
  if (const Result<bool> row = highest->next(); !row) return fail(row.error());
  return static_cast<uint64_t>(highest->integer(0));
}

}  // namespace ebb::store
