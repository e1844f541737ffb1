// Usage records on disk, and sums over them.
//
// Each record is written once, under its call's id; in the same transaction it is added to the sums of its endpoint, hour and tier.
// Bills and totals read the sums, and records only for the broken hours at the ends of a period, so they stay fast over millions.
// One owner at a time (the ledger's writer thread).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/budget.h"
#include "domain/price_list.h"
#include "domain/usage.h"
#include "store/database.h"
#include "store/usage_book.h"
#include "store/usage_sums.h"

namespace ebb::store {

struct EndpointTotals {
  int64_t calls = 0;
  domain::Pico cost = 0;
  WallTime last_ended{};
  bool operator==(const EndpointTotals&) const = default;
};

// Which records, and by which keys their sums are grouped.
struct BillFilter {
  bool by_endpoint = false;
  bool by_day = false;
  bool by_tier = false;
  bool by_tenant = false;
  bool by_key = false;
  std::optional<std::string> endpoint;
  std::optional<std::string> tenant;  // empty: what nobody's account has
  std::optional<std::string> key;     // line of keys
  std::optional<WallTime> from;       // inclusive, by the end of a call
  std::optional<WallTime> to;         // exclusive
};

struct BillRow {
  std::string endpoint;  // empty where it is no key, and so for day ("2026-11-24", UTC), tier, tenant and key
  std::string day;
  std::string tier;
  std::string tenant;
  std::string key;
  int64_t calls = 0;
  int64_t faults = 0;  // of these, those that the platform broke: they cost nothing
  int64_t billed_ms = 0;
  int64_t mib_ms = 0;
  int64_t busy_ns = 0;
  domain::Pico cost = 0;
  domain::Pico list_cost = 0;  // with nothing free, and at the first step
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  bool operator==(const BillRow&) const = default;
};

// Which records, in the order in which the calls ended, by id where they ended together: as many as `limit`, beginning after a record.
struct UsagePage {
  struct Place {
    WallTime ended{};
    CallId call;
  };
  std::optional<std::string> endpoint;
  std::optional<std::string> tenant;
  std::optional<WallTime> from;  // inclusive, by the end of a call
  std::optional<WallTime> to;    // exclusive
  std::optional<Place> after;    // of the last record of the page before
  int64_t limit = 1'000;
};

struct Appended {
  size_t written = 0;
  size_t existing = 0;  // calls that had their record already
  bool operator==(const Appended&) const = default;
};

// kGently: gives its processor away for a moment after some records. Who was woken on a processor that computes on may have to wait for the kernel's next tick,
// 4 ms, and calls that wait have other threads than this one.
enum class Manner { kAtOnce, kGently };

// The last entry of the book; number 0: it is empty.
struct BookHead {
  int64_t number = 0;
  std::string link;
};

class UsageStore {
 public:
  // <home>/usage.db. Of it the sums by hour are checked as a whole, records when they are read; all of it by check(), which its owner calls soon.
  static Result<std::unique_ptr<UsageStore>> open(const std::filesystem::path& home);
  // As Database::check.
  Status check(const std::atomic<bool>& give_way) { return database_.check(give_way); }
  // The same, after a write failed: what is on the disk counts, not what this process remembers of it. If this fails, everything
  // fails with kUnavailable until it succeeds.
  Status reopen();

  // All in one transaction, synced before it returns. A call that is there already is left as it is: a record is written once.
  Result<Appended> append(std::span<const domain::UsageRecord> records, Manner manner = Manner::kAtOnce);

  // Ordered by their keys. Without a key: one row, also when nothing was used.
  Result<std::vector<BillRow>> bill(const BillFilter& filter);
  // By calls that ended in the span, at whoever's cost the budget is.
  Result<domain::Pico> spent(const domain::Budget& budget, const domain::Span& span);
  // By calls that ended in each of these times, one after the other from `from` on, at whoever's cost the budget is.
  Result<std::vector<domain::Pico>> spent_in(const domain::Budget& budget, Hour from, std::chrono::hours each, size_t times);
  // Of every tenant with calls that ended from this whole hour on, what was paid for.
  Result<std::map<std::string, domain::Use>> used_since(Hour from);
  // The newest first.
  Result<std::vector<domain::UsageRecord>> recent(const std::string& endpoint, int64_t limit);
  // nullopt: the call has none, or none yet.
  Result<std::optional<domain::UsageRecord>> find(CallId call);
  // Fewer than its limit: there are no more.
  Result<std::vector<domain::UsageRecord>> page(const UsagePage& page);
  // The book, from the entry after this one on: fewer than `limit`, there are no more. kCorrupt names the first entry that cannot be read.
  Result<std::vector<BookEntry>> book(int64_t after, int64_t limit);
  Result<BookHead> book_head();
  // Whether the sums, the number of records and the indexes are those of the whole book, which was just read.
  Status check_sums(const BookCheck& book);
  // Of every endpoint that was ever called.
  Result<std::map<std::string, EndpointTotals>> totals();
  Result<uint64_t> highest_call_id();

 private:
  UsageStore(std::filesystem::path file, Database database) : file_(std::move(file)), database_(std::move(database)) {}
  Status write(std::span<const domain::UsageRecord> records, Manner manner, Appended& count);
  Status add_to_hour(const UsageKey& key, UsageSums& sums);
  template <class Visit>
  Status visit_hours(Hour from, Hour to, Visit visit);
  template <class Visit>
  Status visit_records(WallTime from, WallTime to, Visit visit);

  std::filesystem::path file_;
  Database database_;
  static constexpr size_t kLatestHoursMax = 1'024;
  std::map<UsageKey, UsageSums> latest_hours_;  // as they are in the file, of those that were written last
};

}  // namespace ebb::store
