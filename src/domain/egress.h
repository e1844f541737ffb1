// What a function may reach outside of itself, through ebb-egress: nothing, every public host, or those that are named. Values and pure rules.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ebb::domain {

struct EgressHost {
  std::string name;              // "api.example.com", "*.example.com" (what is below it), an address; lower case, an IPv6 address without brackets
  std::optional<uint16_t> port;  // absent: any
  bool operator==(const EgressHost&) const = default;
};
struct Egress {
  std::vector<EgressHost> hosts;  // empty: every public one
  bool operator==(const Egress&) const = default;
};

// "api.example.com", "*.example.com:443", "93.184.216.34", "[2606:4700::1]:443". Error: kInvalid.
Result<EgressHost> parse_egress_host(std::string_view text);
std::string to_string(const EgressHost& host);

// Lower case, without the dot of the root at its end.
std::string normal_host(std::string_view host);

// nullopt: yes; else why not, as a clause. Its address is another question (address.h). `host`: as normal_host() gives it.
std::optional<std::string> refusal_of(const Egress& rule, std::string_view host, uint16_t port);

}  // namespace ebb::domain
