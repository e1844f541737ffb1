// Sums by hour: what bills, budgets and totals read. Records are read only for the broken hours at the ends of a period.
#include <fmt/format.h>

#include <tuple>

#include "store/usage_rows.h"
#include "store/usage_store.h"

namespace ebb::store {

namespace {

constexpr const char* kRecordsByTime = "SELECT * FROM usage WHERE ended_ms >= ? AND ended_ms < ?";
constexpr const char* kWithoutEntry = "SELECT (SELECT count(*) FROM usage) - (SELECT count(*) FROM book)";
constexpr const char* kPutHour = "INSERT OR REPLACE INTO usage_hours VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
constexpr const char* kHour = "SELECT * FROM usage_hours WHERE hour = ? AND endpoint = ? AND tier = ? AND tenant = ? AND key = ?";
constexpr const char* kHours = "SELECT * FROM usage_hours WHERE hour >= ? AND hour < ?";
constexpr int kHourChecksum = 16;

void bind(Statement& s, const UsageKey& key, const UsageSums& sums) {
  s.bind(1, int64_t{key.hour.time_since_epoch().count()}).bind(2, key.endpoint).bind(3, key.tier).bind(4, key.tenant).bind(5, key.key);
  s.bind(6, sums.calls).bind(7, sums.paid).bind(8, sums.faults).bind(9, sums.billed_ms).bind(10, sums.mib_ms).bind(11, sums.busy_ns);
  s.bind(12, sums.cost).bind(13, sums.list_cost).bind(14, sums.prompt_tokens).bind(15, sums.completion_tokens).bind(16, ms_of(sums.last_ended));
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

// `sums` is what the hour has then.
Status UsageStore::add_to_hour(const UsageKey& key, UsageSums& sums) {
  if (const auto known = latest_hours_.find(key); known != latest_hours_.end()) {
    sums += known->second;
  } else {
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
  rows->bind(1, ms_of(from)).bind(2, ms_of(to));
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

Result<std::map<std::string, EndpointTotals>> UsageStore::totals() {
  std::map<std::string, UsageSums> sums;
  Status summed = visit_hours(Hour::min(), Hour::max(), [&sums](const UsageKey& key, const UsageSums& hour) { sums[key.endpoint] += hour; });
  if (!summed) return fail(summed.error());
  std::map<std::string, EndpointTotals> totals;
  for (const auto& [endpoint, sum] : sums)
    totals[endpoint] = {.calls = sum.calls, .cost = sum.cost, .last_ended = sum.last_ended};
  return totals;
}

}  // namespace ebb::store
