// Which usage records a request is about: ?endpoint=…&tenant=…&from=…&to=…, as the bill and the export have it. Pure.
#pragma once

#include <fmt/format.h>

#include <string>

#include "base/result.h"
#include "domain/principal.h"
#include "wire/time_text.h"

namespace ebb::gateway {

// Takes the parameter into `out` (BillRequest, UsageRequest), if it is one of these; false: it is another. Error kInvalid with the parameter's name.
template <class Request>
Result<bool> read_filter(const std::string& key, const std::string& value, Request& out) {
  if (key == "endpoint") {
    out.endpoint = value;
    return true;
  }
  if (key == "tenant") {
    out.tenant = value;
    return true;
  }
  if (key != "from" && key != "to") return false;
  Result<WallTime> time = wire::parse_time(value);
  if (!time) return fail(ErrorKind::kInvalid, fmt::format("'{}': {}", key, time.error().message), key);
  (key == "from" ? out.from : out.to) = *time;
  return true;
}

// Once all parameters are read: who does not administer sees its own tenant's records only.
template <class Request>
Status check_filter(Request& out, const domain::Principal& principal) {
  if (const std::optional<std::string> own = principal.sees()) {
    if (out.tenant && *out.tenant != *own) return fail(ErrorKind::kForbidden, "only the own tenant's records may be seen with this key", "tenant");
    out.tenant = own;
  }
  if (out.from && out.to && *out.from >= *out.to) return fail(ErrorKind::kInvalid, "'from' must lie before 'to'", "from");
  return {};
}

}  // namespace ebb::gateway
