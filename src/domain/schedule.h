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

// Two entries that fire in the same minute and say different numbers: what then holds is not written anywhere.
struct ScheduleClash {
  size_t first = 0;
  size_t second = 0;  // the later one in the list
  WallTime at{};      // one of those minutes
};
std::optional<ScheduleClash> clash_in(const std::vector<ProvisionedAt>& schedule);

// The most that is ever kept warm at once.
int most_provisioned(const Scaling& scaling);

// The entry that fired last decides; of several in one minute (by a change of the clocks) the largest number holds. An entry that fired kCronBackMax ago counts
// no longer, and where none counts, `scaling.provisioned` holds.
Provision provisioned_at(const Scaling& scaling, WallTime now);

}  // namespace ebb::domain
