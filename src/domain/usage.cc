// Words for tiers and outcomes, as they stand in the store and in bills.
#include "domain/usage.h"

#include <fmt/format.h>

namespace ebb::domain {

std::string_view to_string(Tier tier) {
  switch (tier) {
    case Tier::kWarm: return "warm";
    case Tier::kProvisioned: return "provisioned";
    case Tier::kParked: return "parked";
    case Tier::kCold: return "cold";
    case Tier::kInit: return "init";
  }
  return "warm";
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk: return "ok";
    case Outcome::kLeft: return "left";
    case Outcome::kTimeout: return "timeout";
    case Outcome::kRefused: return "refused";
    case Outcome::kFailed: return "failed";
    case Outcome::kFault: return "fault";
  }
  return "fault";
}

Result<Tier> parse_tier(std::string_view word) {
  for (const Tier tier : kTiers) {
    if (to_string(tier) == word) return tier;
  }
  return fail(ErrorKind::kInvalid, fmt::format("'{}' is no tier: warm, provisioned, parked, cold or init", word), "tier");
}

Result<Outcome> parse_outcome(std::string_view word) {
  for (const Outcome outcome : {Outcome::kOk, Outcome::kLeft, Outcome::kTimeout, Outcome::kRefused, Outcome::kFailed, Outcome::kFault}) {
    if (to_string(outcome) == word) return outcome;
  }
  return fail(ErrorKind::kInvalid, fmt::format("'{}' is no outcome", word));
}

}  // namespace ebb::domain
