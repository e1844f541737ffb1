// An endpoint's schedule in one column: [["0 8 * * 1-5", "Europe/Berlin", 2]…]; empty where there is none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/endpoint.h"

namespace ebb::store {

std::string schedule_to_text(const std::vector<domain::ProvisionedAt>& schedule);
// Error: kCorrupt; kInvalid for a line or a zone that this machine does not know (any longer).
Result<std::vector<domain::ProvisionedAt>> schedule_from_text(std::string_view text);

}  // namespace ebb::store
