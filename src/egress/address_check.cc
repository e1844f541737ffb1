// Each address by the tables of domain/address.h.
#include "egress/address_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "domain/address.h"

namespace ebb::egress {

namespace ip = io::asio::ip;

namespace {

domain::AddressBytes bytes_of(const ip::address& address) {
  return address.is_v4() ? domain::address_of_v4(address.to_v4().to_uint()) : address.to_v6().to_bytes();
}

}  // namespace

std::optional<std::string> refusal_of(std::span<const ip::tcp::endpoint> resolved, std::span<const ip::address> own) {
  for (const ip::tcp::endpoint& endpoint : resolved) {
    const domain::AddressBytes bytes = bytes_of(endpoint.address());
    const domain::AddressUse use = domain::use_of(bytes);
    if (use.kind != domain::AddressKind::kPublic) return fmt::format("{} is {}", endpoint.address().to_string(), use.name);
    const auto is_it = [&](const ip::address& one) { return bytes_of(one) == bytes; };
    if (std::ranges::any_of(own, is_it)) return fmt::format("{} is this machine", endpoint.address().to_string());
  }
  return std::nullopt;
}

}  // namespace ebb::egress
