// The book: usage records in the order in which they were written, each linked to the one before, so that none can be changed, left out or put in between
// without every later link changing too.
//
//   link = SHA-256 (FIPS 180-4), in hex digits, of: the link before, a line feed, and the record's fields with tabs between them; before the first: nothing
//
// docs/billing.md says how anybody computes it again from an export. Pure but for the store's queries, which are UsageStore's.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/usage.h"
#include "store/usage_sums.h"

namespace ebb::store {

struct BookEntry {
  int64_t number = 0;  // from 1, without gaps
  domain::UsageRecord record;
  std::string link;
  bool operator==(const BookEntry&) const = default;
};

// call, endpoint, revision, ended in ms since 1970, tier, outcome, queued, start, busy, first byte and total in ns, billed ms, MiB, cost in 1e-12, prompt and
// completion tokens, tenant, key: numbers in decimal. Of a call that was priced by another list than that of the server's settings, or not by all of it, also
// the list's version and the cost by it.
std::string fields_of(const domain::UsageRecord& record);
std::string link_after(std::string_view before, const domain::UsageRecord& record);

// Entries from the first one on, one after the other; then the sums that the store keeps.
class BookCheck {
 public:
  // kCorrupt: this entry, or one before it, is not what was written.
  Status add(const BookEntry& entry);
  // kCorrupt: the sums by hour are not those of the entries.
  Status check_sums(const std::map<UsageKey, UsageSums>& kept) const;

  int64_t entries() const { return entries_; }
  const std::string& head() const { return head_; }
  domain::Pico cost() const { return cost_; }

 private:
  int64_t entries_ = 0;
  std::string head_;  // the last link
  domain::Pico cost_ = 0;
  std::map<UsageKey, UsageSums> sums_;
};

}  // namespace ebb::store
