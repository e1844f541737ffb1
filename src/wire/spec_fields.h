// Fields of specifications that have units: durations and sizes. Private to wire/.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/json.h"
#include "base/time.h"

namespace ebb::wire {

std::optional<milliseconds> read_duration(ObjectReader& reader, std::string_view key, milliseconds min, milliseconds max);
// Whole MiB, at least one.
std::optional<int64_t> read_mib(ObjectReader& reader, std::string_view key, int64_t mib_max);

}  // namespace ebb::wire
