// Ebb's own headers of a call, which gRPC has as metadata. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/money.h"
#include "domain/priority.h"

namespace ebb::wire {

// Ebb-Priority: "critical", "normal" or "batch". Error: kInvalid with the header as param, as below.
Result<domain::Priority> parse_priority(std::string_view value);

// Ebb-Max-Cost: "0.0001", in the currency of the server's prices.
Result<domain::Pico> parse_max_cost(std::string_view value);

// The key of a request: `Authorization: Bearer KEY`, or `api-key` or `x-api-key`, whichever is there; empty: none is. Error: kUnauthorized for two that differ,
// and for another scheme.
Result<std::string> key_of(std::string_view authorization, std::string_view api_key, std::string_view x_api_key);

// Ebb-Tenant: a name as of endpoints.
Result<std::string> parse_tenant(std::string_view value);

}  // namespace ebb::wire
