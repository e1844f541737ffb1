// Durations and sizes as people write them: "30s", "1m30s", "500ms"; "512MiB", "2GiB". Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace ebb::wire {

// Numbers with a unit of ms, s, m, h or d, larger units first; a fraction is allowed if it comes to whole milliseconds ("1.5s").
// Zero needs a unit too. Error: kInvalid, a sentence without the field's name.
Result<milliseconds> parse_duration(std::string_view text);

// The shortest text that parse_duration reads back: "1m30s". `duration` must not be negative.
std::string format_duration(milliseconds duration);

// A whole number with a unit of B, KiB, MiB, GiB or TiB; at most 2^62 bytes. Error: kInvalid, likewise.
Result<uint64_t> parse_size(std::string_view text);

// With the largest unit that divides it: "512MiB", "2GiB".
std::string format_size(uint64_t bytes);

}  // namespace ebb::wire
