// Whom to serve first: the class of a call.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace ebb::domain {

enum class Priority { kCritical, kNormal, kBatch };  // in the order of service
inline constexpr std::array kPriorities{Priority::kCritical, Priority::kNormal, Priority::kBatch};

// What people write: "critical", "normal", "batch".
std::string_view to_string(Priority priority);
// nullopt: none of them.
std::optional<Priority> parse_priority(std::string_view word);

}  // namespace ebb::domain
