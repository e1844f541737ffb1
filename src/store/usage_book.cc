// Links, and what an entry that is wrong is called.
#include "store/usage_book.h"

#include <fmt/format.h>

#include "base/ids.h"
#include "store/sha256_hex.h"

namespace ebb::store {

std::string fields_of(const domain::UsageRecord& r) {
  std::string fields =
      fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}", r.call.value, r.endpoint, r.revision.value,
                  r.ended.time_since_epoch().count(), to_string(r.tier), to_string(r.outcome), r.queued.count(), r.start.count(), r.busy.count(),
                  r.first_byte.count(), r.total.count(), r.billed_ms, r.memory_mib, r.cost, r.prompt_tokens, r.completion_tokens, r.tenant, r.key);
  if (r.prices != 0 || r.list_cost != r.cost) fields += fmt::format("\t{}\t{}", r.prices, r.list_cost);
  return fields;
}

std::string link_after(std::string_view before, const domain::UsageRecord& record) { return sha256_hex(fmt::format("{}\n{}", before, fields_of(record))); }

Status BookCheck::add(const BookEntry& entry) {
  const int64_t expected = entries_ + 1;
  if (entry.number != expected)
    return fail(ErrorKind::kCorrupt, fmt::format("entry {} of the book is missing: {} comes after {}", expected, entry.number, entries_));
  if (link_after(head_, entry.record) != entry.link)
    return fail(ErrorKind::kCorrupt,
                fmt::format("entry {} of the book, call {}, is not what was written, or the one before it is not: its link does not follow", entry.number,
                            to_hex(entry.record.call.value)));
  entries_ = entry.number;
  head_ = entry.link;
  const UsageSums sums = sums_of(entry.record);
  cost_ += entry.record.cost;
  sums_[key_of(entry.record)] += sums;
  return {};
}

Status BookCheck::check_sums(const std::map<UsageKey, UsageSums>& kept) const {
  for (const auto& [key, sums] : kept) {
    const auto counted = sums_.find(key);
    if (counted == sums_.end() || counted->second != sums)
      return fail(ErrorKind::kCorrupt, fmt::format("the sums of '{}' in the hour that begins {} hours after 1970 are not those of the book", key.endpoint,
                                                   key.hour.time_since_epoch().count()));
  }
  if (kept.size() != sums_.size())
    return fail(ErrorKind::kCorrupt, fmt::format("the book has calls in {} sums by hour, and {} are kept", sums_.size(), kept.size()));
  return {};
}

}  // namespace ebb::store
