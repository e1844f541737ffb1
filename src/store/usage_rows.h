// Usage records as rows of the table `usage`. Private to store/.
#pragma once

#include "base/result.h"
#include "domain/usage.h"
#include "store/database.h"

namespace ebb::store {

inline constexpr int kRecordChecksum = 20;  // its column

// All columns, in their order, with the checksum. The record lives until the statement has run.
void bind(Statement& s, const domain::UsageRecord& r);
// kCorrupt: the row is not what was written.
Result<domain::UsageRecord> read_record(const Statement& s);

inline int64_t ms_of(WallTime time) { return time.time_since_epoch().count(); }

}  // namespace ebb::store
