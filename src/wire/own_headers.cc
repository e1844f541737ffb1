// Words and names, with what may be written instead.
#include "wire/own_headers.h"

#include <fmt/format.h>

#include "domain/endpoint.h"
#include "domain/limits.h"

namespace ebb::wire {

Result<domain::Priority> parse_priority(std::string_view value) {
  const std::optional<domain::Priority> priority = domain::parse_priority(value);
  if (priority) return *priority;
  return fail(ErrorKind::kInvalid, fmt::format("'Ebb-Priority' is '{}', but must be critical, normal or batch", value.substr(0, 40)), "Ebb-Priority");
}

Result<std::string> parse_tenant(std::string_view value) {
  if (value.size() <= domain::kTenantNameBytesMax && domain::is_name(value)) return std::string(value);
  return fail(ErrorKind::kInvalid, fmt::format("'Ebb-Tenant' is '{}', which is no name: {}", value.substr(0, 80), domain::kNameRule), "Ebb-Tenant");
}

}  // namespace ebb::wire
