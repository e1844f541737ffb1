// Rounding for the eye; whoever computes takes --json.
#include "cli/human.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

namespace ebb::cli {

namespace {

// "1.0" to "99.9", then without a fraction: three digits tell enough.
std::string three_digits(double value) { return value < 99.95 ? fmt::format("{:.1f}", value) : fmt::format("{:.0f}", value); }

bool is_combining(uint32_t c) {
  return (c >= 0x300 && c <= 0x36f) || (c >= 0x200b && c <= 0x200f) || (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0x1ab0 && c <= 0x1aff);
}
bool is_wide(uint32_t c) {
  return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
         (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) || (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd);
}

}  // namespace

std::string human_bytes(uint64_t bytes) {
  constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1023.5 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{} {}", three_digits(value), kUnits[unit]);
}

std::string human_count(uint64_t count) {
  constexpr std::array kUnits{"", " k", " M", " G", " T"};
  auto value = static_cast<double>(count);
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{}", count) : three_digits(value) + kUnits[unit];
}

std::string human_time(nanoseconds time) {
  const double ms = static_cast<double>(time.count()) / 1e6;
  if (ms < 9.95) return fmt::format("{:.1f} ms", ms);
  if (ms < 999.5) return fmt::format("{:.0f} ms", ms);
  if (ms < 59'995) return fmt::format("{:.2f} s", ms / 1000);
  const int64_t s = (time.count() + 500'000'000) / 1'000'000'000;
  if (s < 3600) return fmt::format("{} min {} s", s / 60, s % 60);
  if (s < 86'400) return fmt::format("{} h {} min", s / 3600, s % 3600 / 60);
  return fmt::format("{} d {} h", s / 86'400, s % 86'400 / 3600);
}

std::string human_age(milliseconds age) {
  const int64_t s = age.count() / 1000;
  if (s < 1) return "now";
  if (s < 60) return fmt::format("{} s ago", s);
  if (s < 3600) return fmt::format("{} min ago", s / 60);
  if (s < 86'400) return fmt::format("{} h ago", s / 3600);
  return fmt::format("{} d ago", s / 86'400);
}

std::string human_money(domain::Pico amount, std::string_view currency) { return fmt::format("{} {}", domain::format_money(amount), currency); }

std::string local_time(WallTime time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const std::time_t seconds = whole.time_since_epoch().count();
  std::tm parts{};
  localtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                     parts.tm_sec, (time - whole).count());
}

size_t columns_of(std::string_view utf8) {
  size_t columns = 0;
  for (size_t i = 0; i < utf8.size();) {
    const auto first = static_cast<unsigned char>(utf8[i]);
    const size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint32_t c = length == 1 ? first : first & (0xffU >> (length + 1));
    for (size_t k = 1; k < length && i + k < utf8.size(); ++k)
      c = (c << 6U) | (static_cast<unsigned char>(utf8[i + k]) & 0x3fU);
    columns += is_combining(c) ? 0 : is_wide(c) ? 2 : 1;
    i += length;
  }
  return columns;
}

}  // namespace ebb::cli
