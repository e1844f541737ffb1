// What an internet address is for, by IANA's registries of special-purpose addresses: whether what strangers run may be led there. Pure.
//
//   https://www.iana.org/assignments/iana-ipv4-special-registry
//   https://www.iana.org/assignments/iana-ipv6-special-registry
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace ebb::domain {

// Of IPv6; an IPv4 address as ::ffff:a.b.c.d.
using AddressBytes = std::array<uint8_t, 16>;
AddressBytes address_of_v4(uint32_t address);  // in the machine's byte order

enum class AddressKind {
  kPublic,
  kPrivate,  // reached only from here, but somebody may mean it: loopback, private, shared and unique-local networks
  kNever     // link-local, where clouds keep their credentials; multicast, unspecified, reserved, documentation
};
struct AddressUse {
  AddressKind kind = AddressKind::kNever;
  std::string_view name;  // "a private network (RFC 1918)"
};
// IPv4 in IPv6's clothes (mapped, NAT64, 6to4) is taken for what it is.
AddressUse use_of(const AddressBytes& address);

}  // namespace ebb::domain
