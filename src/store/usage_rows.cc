// Column by column.
#include "store/usage_rows.h"

namespace ebb::store {

void bind(Statement& s, const domain::UsageRecord& r) {
  s.bind(1, static_cast<int64_t>(r.call.value)).bind_borrowed(2, r.endpoint).bind(3, static_cast<int64_t>(r.revision.value)).bind(4, ms_of(r.ended));
  s.bind_borrowed(5, to_string(r.tier)).bind_borrowed(6, to_string(r.outcome)).bind(7, int64_t{r.queued.count()}).bind(8, int64_t{r.start.count()});
  s.bind(9, int64_t{r.busy.count()}).bind(10, int64_t{r.first_byte.count()}).bind(11, int64_t{r.total.count()});
  s.bind(12, r.billed_ms).bind(13, r.memory_mib).bind(14, r.cost).bind(15, r.prompt_tokens).bind(16, r.completion_tokens);
  s.bind_borrowed(17, r.tenant).bind_borrowed(18, r.key).bind(19, r.prices).bind(20, r.list_cost);
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

}  // namespace ebb::store
