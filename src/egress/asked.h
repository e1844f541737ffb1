// What a client asks of a forward proxy (RFC 9110 section 9.3.6, RFC 9112 section 3.2): CONNECT host:port, or a request with an absolute http URI. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ebb::egress {

struct Asked {
  std::string host;  // a name or an address, as domain::normal_host() gives it; IPv6 without brackets
  uint16_t port = 0;
  bool tunnel = false;    // CONNECT
  std::string target;     // of what is not: for the server, in origin form
  std::string authority;  // and its Host
};

// Error: kInvalid, with what to send instead.
Result<Asked> read_asked(std::string_view method, std::string_view target);

}  // namespace ebb::egress
