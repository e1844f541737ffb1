// Links, and what an entry that is wrong is called.
#include "store/usage_book.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/ids.h"
#include "store/sha256_hex.h"

namespace ebb::store {

namespace {

// By hand, since each record is linked before its transaction is synced, and others wait for that.
class Fields {
 public:
  explicit Fields(std::string begin) : text_(std::move(begin)) { text_.reserve(text_.size() + kAsARule); }
  Fields& add(std::string_view field) {
    if (!first_) text_ += '\t';
    first_ = false;
    text_ += field;
    return *this;
  }
  Fields& add(int64_t number) {
    std::array<char, 20> digits{};
    return add(std::string_view(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr));
  }
  Fields& add(nanoseconds time) { return add(int64_t{time.count()}); }
  std::string take() { return std::move(text_); }

 private:
  static constexpr size_t kAsARule = 256;
  std::string text_;
  bool first_ = true;
};

std::string with_fields(std::string begin, const domain::UsageRecord& r) {
  Fields out(std::move(begin));
  out.add(static_cast<int64_t>(r.call.value)).add(r.endpoint).add(static_cast<int64_t>(r.revision.value)).add(int64_t{r.ended.time_since_epoch().count()});
  out.add(to_string(r.tier)).add(to_string(r.outcome)).add(r.queued).add(r.start).add(r.busy).add(r.first_byte).add(r.total);
  out.add(r.billed_ms).add(r.memory_mib).add(r.cost).add(r.prompt_tokens).add(r.completion_tokens).add(r.tenant).add(r.key);
  if (r.prices != 0 || r.list_cost != r.cost) out.add(r.prices).add(r.list_cost);
  return out.take();
}

}  // namespace

std::string fields_of(const domain::UsageRecord& record) { return with_fields({}, record); }

std::string link_after(std::string_view before, const domain::UsageRecord& record) { return sha256_hex(with_fields(std::string(before) + "\n", record)); }

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
