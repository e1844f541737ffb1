// Times as text: RFC 3339 in UTC. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace ebb::wire {

// With milliseconds: "2026-11-24T10:00:00.000Z".
std::string format_time(WallTime time);
// The fraction optional; or a date alone, which is its first moment. Error: kInvalid.
Result<WallTime> parse_time(std::string_view text);

}  // namespace ebb::wire
