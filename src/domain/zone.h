// A time zone of the machine's database. Finding one is the only place that looks into it.
#pragma once

#include <absl/time/time.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace ebb::domain {

struct Zone {
  std::string name;      // never empty
  absl::TimeZone rules;  // of its clocks
};

// An empty name is UTC. Error: kInvalid with param "zone".
Result<std::shared_ptr<const Zone>> find_zone(std::string_view name);

// "2026-12-01T00:00:00+01:00"
std::string shown_in(const Zone& zone, WallTime at);

}  // namespace ebb::domain
