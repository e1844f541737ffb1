// Words of the classes.
#include "domain/priority.h"

#include <algorithm>

namespace ebb::domain {

std::string_view to_string(Priority priority) {
  switch (priority) {
    case Priority::kCritical: return "critical";
    case Priority::kNormal: return "normal";
    case Priority::kBatch: return "batch";
  }
  return "normal";
}

std::optional<Priority> parse_priority(std::string_view word) {
  const auto* const found = std::ranges::find(kPriorities, word, [](Priority priority) { return to_string(priority); });
  return found == kPriorities.end() ? std::nullopt : std::optional(*found);
}

}  // namespace ebb::domain
