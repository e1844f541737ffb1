// What a call cost, written once when it ended.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "domain/money.h"

namespace ebb::domain {

// How the call found its endpoint: a ready worker, one that is kept ready by what is provisioned, a parked one, or none. kInit is no call: the start of an
// instance of a function, which has a record of its own.
enum class Tier { kWarm, kProvisioned, kParked, kCold, kInit };
inline constexpr std::array kTiers{Tier::kWarm, Tier::kProvisioned, Tier::kParked, Tier::kCold, Tier::kInit};
std::string_view to_string(Tier tier);
inline bool found_ready(Tier tier) { return tier == Tier::kWarm || tier == Tier::kProvisioned; }
Result<Tier> parse_tier(std::string_view word);

// How it ended. Only kOk, kLeft, kTimeout and kFailed after dispatch are paid for; the rest costs nothing.
enum class Outcome {
  kOk,       // whole answer given
  kLeft,     // the client went away; billed to the moment when the slot was free again
  kTimeout,  // its deadline passed; billed likewise if it ran, zero if it only waited
  kRefused,  // the worker refused the input (too long a prompt, …), or it made room for a more urgent one: nothing billed
  kFailed,   // the function itself failed: it ended, or ran out of what it may use; billed
  kFault,    // the platform failed: zero
};
std::string_view to_string(Outcome outcome);
Result<Outcome> parse_outcome(std::string_view word);

struct UsageRecord {
  CallId call;
  std::string endpoint;
  RevisionId revision;
  WallTime ended{};
  Tier tier = Tier::kWarm;
  Outcome outcome = Outcome::kOk;
  nanoseconds queued{0};      // from arrival to dispatch, starts included
  nanoseconds start{0};       // the part of it that a start or a wake took
  nanoseconds busy{0};        // the call's exact share of its worker's busy time
  nanoseconds first_byte{0};  // from arrival to the first text; zero if there was none
  nanoseconds total{0};       // from arrival to the end
  int64_t billed_ms = 0;
  int64_t memory_mib = 0;
  Pico cost = 0;
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  std::string tenant = {};  // who pays, and by which line of keys; empty: neither was said
  std::string key = {};
  int64_t prices = 0;  // the version of the price list that it was accepted by
  Pico list_cost = 0;  // what it would cost with nothing free and at the list's first step
  bool operator==(const UsageRecord&) const = default;
};
// A call that ran and was paid for, also where its price was zero. No start is one.
inline bool is_paid(const UsageRecord& record) { return record.tier != Tier::kInit && (record.outcome == Outcome::kOk || record.billed_ms > 0); }

}  // namespace ebb::domain
