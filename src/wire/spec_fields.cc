// Values with their units, or an error that says how to write one.
#include "wire/spec_fields.h"

#include <fmt/format.h>

#include "wire/quantity.h"

namespace ebb::wire {

namespace {

constexpr uint64_t kMib = 1ULL << 20U;

}  // namespace

std::optional<milliseconds> read_duration(ObjectReader& reader, std::string_view key, milliseconds min, milliseconds max) {
  if (const json::value* value = reader.find(key); value != nullptr && value->is_number()) {
    reader.add_error(key, fmt::format("'{}' needs a unit: write {}s, not {}", reader.path_of(key), json::serialize(*value), json::serialize(*value)));
    return std::nullopt;
  }
  const auto text = reader.string(key);
  if (!text) return std::nullopt;
  const Result<milliseconds> duration = parse_duration(*text);
  if (!duration) {
    reader.add_error(key, fmt::format("'{}': {}", reader.path_of(key), duration.error().message));
    return std::nullopt;
  }
  if (*duration < min || *duration > max) {
    reader.add_error(key, fmt::format("'{}' must be between {} and {}, not {}", reader.path_of(key), format_duration(min), format_duration(max), *text));
    return std::nullopt;
  }
  return *duration;
}

std::optional<int64_t> read_mib(ObjectReader& reader, std::string_view key, int64_t mib_max) {
  if (const json::value* value = reader.find(key); value != nullptr && value->is_number()) {
    reader.add_error(key, fmt::format("'{}' needs a unit: write {}MiB, not {}", reader.path_of(key), json::serialize(*value), json::serialize(*value)));
    return std::nullopt;
  }
  const auto text = reader.string(key);
  if (!text) return std::nullopt;
  const Result<uint64_t> bytes = parse_size(*text);
  if (!bytes) {
    reader.add_error(key, fmt::format("'{}': {}", reader.path_of(key), bytes.error().message));
    return std::nullopt;
  }
  if (*bytes == 0 || *bytes % kMib != 0 || *bytes / kMib > static_cast<uint64_t>(mib_max)) {
    reader.add_error(
        key, fmt::format("'{}' must be whole MiB between 1MiB and {}, not {}", reader.path_of(key), format_size(static_cast<uint64_t>(mib_max) * kMib), *text));
    return std::nullopt;
  }
  return static_cast<int64_t>(*bytes / kMib);
}

}  // namespace ebb::wire
