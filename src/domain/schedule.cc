// What the entries say, latest first.
// Compiled alone: see domain/cron.cc.
#include "domain/schedule.h"

#include <algorithm>

#include "domain/limits.h"

namespace ebb::domain {

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
