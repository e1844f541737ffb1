// Ebb's own headers of a call, which gRPC has as metadata. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/priority.h"

namespace ebb::wire {

// Ebb-Priority: "critical", "normal" or "batch". Error: kInvalid with the header as param, as below.
Result<domain::Priority> parse_priority(std::string_view value);

// Ebb-Tenant: a name as of endpoints.
Result<std::string> parse_tenant(std::string_view value);

}  // namespace ebb::wire
