// Whether a registry may be shown the credential that is stored for it. Pure.
//
// A registry answers a request without credentials with a challenge (RFC 9110, section 11.6.1). "Bearer" names a server (`realm`) to which the
// client sends its credential for a token; a registry that names somebody else's server would have the credential sent there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "registry/image_source.h"

namespace ebb::registry {

struct Challenge {
  std::string scheme;  // in lower case
  std::string realm;
  bool operator==(const Challenge&) const = default;
};
// The challenges of one WWW-Authenticate header's value.
std::vector<Challenge> parse_challenges(std::string_view value);

// "https://host:port" of an address, its default port left out, in lower case; empty for what is no http(s) address.
std::string origin_of(std::string_view address);

// The port of an origin, written or usual; 0 for what is none.
uint16_t port_of(std::string_view origin);

enum class LoginUse { kNotNeeded, kSend };
// `status` and `challenges` are of the registry's answer, `token_server` is an origin that the owner allowed, or empty. Error: kUnauthorized
// where the credential would go elsewhere, kUnavailable for an answer that is none of a registry.
Result<LoginUse> judge_challenges(const RegistryHost& host, int status, const std::vector<Challenge>& challenges, std::string_view token_server);

}  // namespace ebb::registry
