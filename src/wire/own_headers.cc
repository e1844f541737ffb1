// Words and names, with what may be written instead.
#include "wire/own_headers.h"

#include <fmt/format.h>

#include <algorithm>

#include "domain/endpoint.h"
#include "domain/limits.h"

namespace ebb::wire {

Result<domain::Priority> parse_priority(std::string_view value) {
  const std::optional<domain::Priority> priority = domain::parse_priority(value);
  if (priority) return *priority;
  return fail(ErrorKind::kInvalid, fmt::format("'Ebb-Priority' is '{}', but must be critical, normal or batch", value.substr(0, 40)), "Ebb-Priority");
}

Result<domain::Pico> parse_max_cost(std::string_view value) {
  Result<domain::Pico> cost = domain::parse_money(value);
  if (!cost) return fail(ErrorKind::kInvalid, "'Ebb-Max-Cost': " + cost.error().message, "Ebb-Max-Cost");
  return cost;
}

Result<std::string> key_of(std::string_view authorization, std::string_view api_key, std::string_view x_api_key) {
  constexpr std::string_view kBearer = "bearer ";
  std::string found;
  if (!authorization.empty()) {
    const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b; };
    if (authorization.size() < kBearer.size() || !std::ranges::equal(authorization.substr(0, kBearer.size()), kBearer, same))
      return fail(ErrorKind::kUnauthorized, "the header Authorization must be 'Bearer KEY': no other scheme is known here", "Authorization");
    authorization.remove_prefix(kBearer.size());
    found = authorization.substr(std::min(authorization.find_first_not_of(' '), authorization.size()));
  }
  for (const std::string_view other : {api_key, x_api_key}) {
    if (other.empty()) continue;
    if (!found.empty() && found != other) return fail(ErrorKind::kUnauthorized, "the request has two keys that differ: send one");
    found = other;
  }
  return found;
}

Result<std::string> parse_tenant(std::string_view value) {
  if (value.size() <= domain::kTenantNameBytesMax && domain::is_name(value)) return std::string(value);
  return fail(ErrorKind::kInvalid, fmt::format("'Ebb-Tenant' is '{}', which is no name: {}", value.substr(0, 80), domain::kNameRule), "Ebb-Tenant");
}

}  // namespace ebb::wire
