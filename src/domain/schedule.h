// How many slots an endpoint keeps warm, by its schedule. Pure: the time is given.
#pragma once

#include <optional>

#include "base/time.h"
#include "domain/endpoint.h"

namespace ebb::domain {

struct Provision {
  int slots = 0;
  std::optional<WallTime> until;  // nothing changes before; nullopt: for the next kCronDaysAheadMax days
  bool operator==(const Provision&) const = default;
};

// The entry that fired last decides; of several in one minute the largest number holds. An entry that fired kCronBackMax ago counts no longer, and where
// none counts, `scaling.provisioned` holds.
Provision provisioned_at(const Scaling& scaling, WallTime now);

}  // namespace ebb::domain
