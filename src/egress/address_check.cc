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

// As of an IPv6 address. A device that claims the whole world, as some tunnels do, has only itself.
int bits_of(const OwnNetwork& network) {
  const bool v4 = network.address.is_v4();
  const int least = v4 ? 8 : 32;
  const int most = v4 ? 32 : 128;
  const int bits = network.bits < least || network.bits > most ? most : network.bits;
  return v4 ? domain::kBitsBeforeV4 + bits : bits;
}

}  // namespace

std::optional<std::string> refusal_of(std::span<const ip::tcp::endpoint> resolved, std::span<const OwnNetwork> own) {
  for (const ip::tcp::endpoint& endpoint : resolved) {
    const domain::AddressBytes bytes = bytes_of(endpoint.address());
    const domain::AddressUse use = domain::use_of(bytes);
    if (use.kind != domain::AddressKind::kPublic) return fmt::format("{} is {}", endpoint.address().to_string(), use.name);
    const auto is_it = [&](const OwnNetwork& one) { return domain::is_in(bytes, bytes_of(one.address), bits_of(one)); };
    if (std::ranges::any_of(own, is_it)) return fmt::format("{} is this machine, or in a network of its own", endpoint.address().to_string());
  }
  return std::nullopt;
}

}  // namespace ebb::egress
