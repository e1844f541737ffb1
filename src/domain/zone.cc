// Names, checked before the library is asked.
// Compiled alone: workers have no use for time zones.
#include "domain/zone.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "domain/limits.h"

namespace ebb::domain {

namespace {

std::unexpected<Error> no_zone(std::string_view name) {
  return fail(
      ErrorKind::kInvalid,
      fmt::format("'{}' is no time zone that this machine knows: names are like Europe/Berlin, and they come with the package tzdata; leave it out for UTC",
                  name.substr(0, kZoneNameBytesMax)),
      "zone");
}

// Names of the zone database only: no paths that lead elsewhere, no zone that is another on each machine. Abseil keeps what it was asked for until the
// process ends, names that are none included, so it is asked for what has a file.
bool may_be_zone(const std::string& name) {
  const auto fits = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/' || c == '_' || c == '-' || c == '+';
  };
  if (name.size() > kZoneNameBytesMax || name.front() == '/' || name == "localtime" || !std::ranges::all_of(name, fits)) return false;
  const char* const folder = std::getenv("TZDIR");  // Abseil looks there too
  std::error_code error;
  return std::filesystem::is_regular_file(std::filesystem::path(folder != nullptr ? folder : "/usr/share/zoneinfo") / name, error);
}

}  // namespace

Result<std::shared_ptr<const Zone>> find_zone(std::string_view name) {
  auto found = std::make_shared<Zone>();
  found->name = name.empty() ? "UTC" : name;
  if (found->name != "UTC" && !(may_be_zone(found->name) && absl::LoadTimeZone(found->name, &found->rules))) return no_zone(found->name);
  return found;
}

std::string shown_in(const Zone& zone, WallTime at) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%S%Ez", absl::FromUnixMillis(at.time_since_epoch().count()), zone.rules);
}

}  // namespace ebb::domain
