// Usage records on disk, and sums over them.
//
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
#include "domain/usage.h"
#include "store/database.h"

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
  std::optional<std::string> endpoint;
  std::optional<WallTime> from;  // inclusive
  std::optional<WallTime> to;    // exclusive
};

struct BillRow {
  std::string endpoint;  // empty where it is no key, and so for day ("2026-11-24", UTC) and tier
  std::string day;
  std::string tier;
  int64_t calls = 0;
  int64_t billed_ms = 0;
  int64_t busy_ns = 0;
  domain::Pico cost = 0;
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  bool operator==(const BillRow&) const = default;
};

class UsageStore {
 public:
  // <home>/usage.db
  static Result<std::unique_ptr<UsageStore>> open(const std::filesystem::path& home);

  // All in one transaction, synced before it returns. A call that is there already is left as it is: a record is written once.
  Status append(std::span<const domain::UsageRecord> records);

  // Ordered by their keys. Without a key: one row, also when nothing was used.
  Result<std::vector<BillRow>> bill(const BillFilter& filter);
  // The newest first.
  Result<std::vector<domain::UsageRecord>> recent(const std::string& endpoint, int64_t limit);
  Result<std::map<std::string, EndpointTotals>> totals();
  Result<uint64_t> highest_call_id();

 private:
  explicit UsageStore(Database database) : database_(std::move(database)) {}
  Database database_;
};

}  // namespace ebb::store
