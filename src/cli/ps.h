// The table of endpoints, for `ebb ps` and `ebb top`.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "cli/output.h"
#include "wire/admin_json.h"

namespace ebb::cli {

std::string endpoint_table(const std::vector<wire::EndpointRow>& rows, std::string_view currency, WallTime now, const Output& out);

// One line: whether the server takes calls, its memory and its workers.
std::string status_line(const wire::StatusRow& status, const Output& out);

}  // namespace ebb::cli
