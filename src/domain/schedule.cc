// What the entries say, latest first.
// Compiled alone: see domain/cron.cc.
#include "domain/schedule.h"

#include <algorithm>

#include "domain/limits.h"

namespace ebb::domain {

std::optional<ScheduleClash> clash_in(const std::vector<ProvisionedAt>& schedule) {
  for (size_t second = 1; second < schedule.size(); ++second) {
    for (size_t first = 0; first < second; ++first) {
      if (schedule[first].provisioned == schedule[second].provisioned) continue;
      if (const auto at = schedule[first].cron.meets(schedule[second].cron)) return ScheduleClash{.first = first, .second = second, .at = *at};
    }
  }
  return std::nullopt;
}

int most_provisioned(const Scaling& scaling) {
  int most = std::max(scaling.min, scaling.provisioned);
  for (const ProvisionedAt& entry : scaling.schedule)
    most = std::max(most, entry.provisioned);
  return most;
}

Provision provisioned_at(const Scaling& scaling, WallTime now) {
  Provision provision{.slots = scaling.provisioned, .until = std::nullopt};
  std::optional<WallTime> latest;
  const auto look_again = [&provision](WallTime at) { provision.until = std::min(provision.until.value_or(at), at); };
  for (const ProvisionedAt& entry : scaling.schedule) {
    if (const auto next = entry.cron.next_after(now)) look_again(*next);
    const auto last = entry.cron.last_at_or_before(now);
    if (!last || (latest && *last < *latest)) continue;
    provision.slots = last == latest ? std::max(provision.slots, entry.provisioned) : entry.provisioned;
    latest = last;
  }
  if (latest) look_again(*latest + kCronBackMax);  // counts no longer
  return provision;
}

}  // namespace ebb::domain
