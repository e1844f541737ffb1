// One table; sums are left to SQL, whose integer sums fail loudly when they overflow.
#include "store/usage_store.h"

#include <fmt/format.h>

namespace ebb::store {

namespace {

constexpr const char* kSchema[] = {R"sql(
CREATE TABLE usage(
  call INTEGER PRIMARY KEY, endpoint TEXT NOT NULL, revision INTEGER NOT NULL, ended_ms INTEGER NOT NULL, tier TEXT NOT NULL, outcome TEXT NOT NULL,
  queued_ns INTEGER NOT NULL, start_ns INTEGER NOT NULL, busy_ns INTEGER NOT NULL, first_byte_ns INTEGER NOT NULL, total_ns INTEGER NOT NULL,
  billed_ms INTEGER NOT NULL, memory_mib INTEGER NOT NULL, cost INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL) STRICT;
CREATE INDEX usage_by_endpoint ON usage(endpoint, ended_ms);
CREATE INDEX usage_by_time ON usage(ended_ms);
)sql"};

constexpr const char* kInsert = "INSERT INTO usage VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(call) DO NOTHING";

// A group that is not asked for is the empty string in every row, so one statement serves all combinations of keys.
constexpr const char* kBill = R"sql(
SELECT CASE WHEN ?1 THEN endpoint ELSE '' END AS by_endpoint,
       CASE WHEN ?2 THEN strftime('%Y-%m-%d', ended_ms / 1000, 'unixepoch') ELSE '' END AS by_day,
       CASE WHEN ?3 THEN tier ELSE '' END AS by_tier,
       count(*), coalesce(sum(billed_ms), 0), coalesce(sum(busy_ns), 0), coalesce(sum(cost), 0), coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0)
FROM usage
WHERE (?4 IS NULL OR endpoint = ?4) AND (?5 IS NULL OR ended_ms >= ?5) AND (?6 IS NULL OR ended_ms < ?6)
GROUP BY by_endpoint, by_day, by_tier ORDER BY by_endpoint, by_day, by_tier
)sql";

constexpr const char* kRecent =
    "SELECT call, endpoint, revision, ended_ms, tier, outcome, queued_ns, start_ns, busy_ns, first_byte_ns, total_ns, billed_ms, memory_mib, cost, "
    "prompt_tokens, "
    "completion_tokens FROM usage WHERE endpoint = ? ORDER BY ended_ms DESC, call DESC LIMIT ?";

void bind(Statement& s, const domain::UsageRecord& r) {
  s.bind(1, static_cast<int64_t>(r.call.value))
      .bind(2, r.endpoint)
      .bind(3, static_cast<int64_t>(r.revision.value))
      .bind(4, int64_t{r.ended.time_since_epoch().count()});
  s.bind(5, to_string(r.tier))
      .bind(6, to_string(r.outcome))
      .bind(7, int64_t{r.queued.count()})
      .bind(8, int64_t{r.start.count()})
      .bind(9, int64_t{r.busy.count()});
  s.bind(10, int64_t{r.first_byte.count()}).bind(11, int64_t{r.total.count()}).bind(12, r.billed_ms).bind(13, r.memory_mib).bind(14, r.cost);
  s.bind(15, r.prompt_tokens).bind(16, r.completion_tokens);
}

Result<domain::UsageRecord> read(const Statement& s) {
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
                             .completion_tokens = s.integer(15)};
}

}  // namespace

Result<std::unique_ptr<UsageStore>> UsageStore::open(const std::filesystem::path& home) {
  Result<Database> database = Database::open(home / "usage.db", kSchema);
  if (!database) return fail(database.error());
  return std::unique_ptr<UsageStore>(new UsageStore(std::move(*database)));
}

Status UsageStore::append(std::span<const domain::UsageRecord> records) {
  Result<Statement> insert = database_.prepare(kInsert);
  if (!insert) return fail(insert.error());
  return database_.transaction([&]() -> Status {
    for (const domain::UsageRecord& record : records) {
      bind(*insert, record);
      if (Status inserted = insert->run(); !inserted) return inserted;
    }
    return {};
  });
}

Result<std::vector<BillRow>> UsageStore::bill(const BillFilter& filter) {
  Result<Statement> rows = database_.prepare(kBill);
  if (!rows) return fail(rows.error());
  rows->bind(1, int64_t{filter.by_endpoint}).bind(2, int64_t{filter.by_day}).bind(3, int64_t{filter.by_tier});
  filter.endpoint ? rows->bind(4, *filter.endpoint) : rows->bind_null(4);
  filter.from ? rows->bind(5, int64_t{filter.from->time_since_epoch().count()}) : rows->bind_null(5);
  filter.to ? rows->bind(6, int64_t{filter.to->time_since_epoch().count()}) : rows->bind_null(6);
  std::vector<BillRow> bill;
  for (;;) {
    const Result<bool> row = rows->next();
    if (!row) return fail(row.error());
    if (!*row) break;
    bill.push_back({.endpoint = rows->text(0),
                    .day = rows->text(1),
                    .tier = rows->text(2),
                    .calls = rows->integer(3),
                    .billed_ms = rows->integer(4),
                    .busy_ns = rows->integer(5),
                    .cost = rows->integer(6),
                    .prompt_tokens = rows->integer(7),
                    .completion_tokens = rows->integer(8)});
  }
  if (bill.empty() && !filter.by_endpoint && !filter.by_day && !filter.by_tier) bill.emplace_back();
  return bill;
}

Result<std::vector<domain::UsageRecord>> UsageStore::recent(const std::string& endpoint, int64_t limit) {
  Result<Statement> rows = database_.prepare(kRecent);
  if (!rows) return fail(rows.error());
  rows->bind(1, endpoint).bind(2, limit);
  std::vector<domain::UsageRecord> records;
  for (;;) {
    const Result<bool> row = rows->next();
    if (!row) return fail(row.error());
    if (!*row) return records;
    Result<domain::UsageRecord> record = read(*rows);
    if (!record) return fail(record.error());
    records.push_back(std::move(*record));
  }
}

Result<std::map<std::string, EndpointTotals>> UsageStore::totals() {
  Result<Statement> rows = database_.prepare("SELECT endpoint, count(*), sum(cost), max(ended_ms) FROM usage GROUP BY endpoint");
  if (!rows) return fail(rows.error());
  std::map<std::string, EndpointTotals> totals;
  for (;;) {
    const Result<bool> row = rows->next();
    if (!row) return fail(row.error());
    if (!*row) return totals;
    totals[rows->text(0)] = {.calls = rows->integer(1), .cost = rows->integer(2), .last_ended = WallTime(milliseconds(rows->integer(3)))};
  }
}

Result<uint64_t> UsageStore::highest_call_id() {
  Result<Statement> highest = database_.prepare("SELECT coalesce(max(call), 0) FROM usage");
  if (!highest) return fail(highest.error());
  if (const Result<bool> row = highest->next(); !row) return fail(row.error());
  return static_cast<uint64_t>(highest->integer(0));
}

}  // namespace ebb::store
