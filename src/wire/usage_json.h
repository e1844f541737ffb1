// Usage records and what is known of one call, as JSON: the admin API's (docs/admin-api.md), and the lines of `ebb usage export`, which
// `ebb plan` reads (plan/trace_listed.h). Pure. Names of numbers end in their unit.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "domain/usage.h"
#include "wire/admin_json.h"

namespace ebb::wire {

// {"call", "endpoint", "revision", "ended", "tier", "outcome", "queued_ns", …}: every field of the record, the cost twice.
json::object to_json(const domain::UsageRecord& record);
// Fields that are not known are passed over. Error: kInvalid.
Result<domain::UsageRecord> usage_from_json(const json::value& value);

// GET calls/{id}.
struct CallRow {
  std::string call;  // 16 hex digits
  std::string endpoint;
  std::string state;                              // waiting, running, ended or refused
  std::optional<domain::UsageRecord> usage = {};  // once it has ended
  std::vector<DecisionRow> decisions = {};        // about this call, newest last; those that are still kept
  std::vector<std::string> story = {};            // what happened, in sentences
  std::vector<std::string> why_not_faster = {};   // where its time went, in sentences
  bool operator==(const CallRow&) const = default;
};
json::value to_json(const CallRow& row);
Result<CallRow> call_row_from_json(const json::value& value);

}  // namespace ebb::wire
