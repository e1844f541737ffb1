// Numbers, ages and times as people read them. Pure but for the local time zone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "domain/money.h"

namespace ebb::cli {

std::string human_bytes(uint64_t bytes);                                  // "0 B", "93.8 MiB", "2.0 GiB"
std::string human_count(uint64_t count);                                  // "999", "134.5 M", "1.2 k"
std::string human_time(nanoseconds time);                                 // "0.4 ms", "45 ms", "1.25 s", "2 min 5 s", "3 h 4 min", "2 d 1 h"
std::string human_age(milliseconds age);                                  // "now", "12 s ago", "3 min ago", "2 h ago", "5 d ago"
std::string human_money(domain::Pico amount, std::string_view currency);  // "0.00001234 USD"

std::string local_time(WallTime time);  // "2026-11-03 12:34:56.789" in the local zone

// Columns that the text takes on a terminal: code points, without combining marks; wide ones count two.
size_t columns_of(std::string_view utf8);

}  // namespace ebb::cli
