// The table, as functions.
#include "ledger/idempotency_policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "domain/limits.h"

namespace ebb::ledger {

namespace {

constexpr const char* kHeader = "Idempotency-Key";

}  // namespace

Result<std::string_view> check_key(std::span<const std::string_view> values) {
  if (values.size() != 1) return fail(ErrorKind::kInvalid, fmt::format("{} is there {} times: send one", kHeader, values.size()), kHeader);
  const std::string_view key = values.front();
  if (key.empty()) return fail(ErrorKind::kInvalid, fmt::format("{} is empty: send one that no other request of yours has, or none", kHeader), kHeader);
  if (key.size() > domain::kIdempotencyKeyBytesMax)
    return fail(ErrorKind::kInvalid, fmt::format("{} has {} bytes: at most {} are taken", kHeader, key.size(), domain::kIdempotencyKeyBytesMax), kHeader);
  if (!std::ranges::all_of(key, [](char c) { return c >= 0x20 && c < 0x7f; }))
    return fail(ErrorKind::kInvalid, fmt::format("{} has characters other than printable ASCII", kHeader), kHeader);
  return key;
}

Known look(const std::optional<domain::KeptAnswer>& kept, std::string_view parameters) {
  if (!kept) return Known::kRun;
  if (kept->parameters != parameters) return Known::kReused;
  switch (kept->state) {
    case domain::KeptAnswer::State::kWhole: return Known::kReplay;
    case domain::KeptAnswer::State::kTooLarge: return Known::kNotKept;
    case domain::KeptAnswer::State::kBegun: break;
  }
  return Known::kAskBook;
}

bool counts(const domain::UsageRecord& record) { return record.outcome == domain::Outcome::kOk || record.billed_ms > 0 || record.cost > 0; }

Meanwhile join(bool same_parameters, const Waiting& waiting) {
  if (!same_parameters) return Meanwhile::kReused;
  return waiting.for_this < domain::kRepeatsOfOneMax && waiting.in_all < domain::kRepeatsMax ? Meanwhile::kWait : Meanwhile::kInProgress;
}

Keep keep(const End& end) {
  if (!end.began) return Keep::kNothing;
  if (!end.counts) return Keep::kBegun;
  if (!*end.counts) return Keep::kNothing;
  return end.recorded ? Keep::kWhole : Keep::kTooLarge;
}

}  // namespace ebb::ledger
