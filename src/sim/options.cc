// Few arguments, each with its bounds.
#include "sim/options.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "sim/planted.h"

namespace ebb::sim {

namespace {

constexpr uint64_t kSeedsMax = 100'000'000;
constexpr int64_t kMinutesMax = 10'000;
constexpr int64_t kJobsMax = 256;

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<int> bounded(std::string_view name, std::string_view text, int64_t most) {
  const std::optional<uint64_t> value = number(text);
  if (!value || *value < 1 || *value > static_cast<uint64_t>(most))
    return ebb::fail(ErrorKind::kInvalid, fmt::format("{} is '{}': give a number from 1 to {}", name, text, most));
  return static_cast<int>(*value);
}

// "7" is one seed, "7:100" a hundred from 7 on.
Status set_seeds(Options& options, std::string_view text) {
  const size_t colon = text.find(':');
  const std::optional<uint64_t> first = number(text.substr(0, colon));
  const std::optional<uint64_t> count = colon == std::string_view::npos ? 1 : number(text.substr(colon + 1));
  if (!first || !count || *count < 1 || *count > kSeedsMax)
    return ebb::fail(ErrorKind::kInvalid, fmt::format("--seeds is '{}': give FIRST:COUNT, such as 1:1000, with a count from 1 to {}", text, kSeedsMax));
  options.first_seed = *first;
  options.seeds = *count;
  return {};
}

Status set_planted(Options& options, std::string_view name) {
  if (name != "all" && make_planted(name) == nullptr) {
    std::string names = "all";
    for (const PlantedName& planted : planted_names())
      names += fmt::format(", {}", planted.name);
    return ebb::fail(ErrorKind::kInvalid, fmt::format("--planted is '{}': there are {}", name, names));
  }
  options.planted = name;
  return {};
}

Status set(Options& options, std::string_view name, std::string_view value) {
  if (name == "--seeds") return set_seeds(options, value);
  if (name == "--planted") return set_planted(options, value);
  Result<int> number = bounded(name, value, name == "--minutes" ? kMinutesMax : kJobsMax);
  if (!number) return ebb::fail(number.error());
  (name == "--minutes" ? options.minutes : options.jobs) = *number;
  return {};
}

}  // namespace

Result<Options> parse_options(std::span<const char* const> arguments) {
  Options options;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view name = arguments[i];
    if (name == "--trace") {
      options.trace = true;
      continue;
    }
    if (name != "--seeds" && name != "--minutes" && name != "--jobs" && name != "--planted")
      return ebb::fail(ErrorKind::kInvalid, fmt::format("'{}' is no argument of ebb-sim", name));
    if (i + 1 == arguments.size()) return ebb::fail(ErrorKind::kInvalid, fmt::format("{} lacks its value", name));
    if (Status status = set(options, name, arguments[++i]); !status) return ebb::fail(status.error());
  }
  return options;
}

}  // namespace ebb::sim
