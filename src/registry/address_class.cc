// The special-purpose networks of IPv4 and IPv6. IPv4 in IPv6 clothes is taken for what it is.
#include "registry/address_class.h"

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace ebb::registry {

namespace {

struct Network {
  uint32_t prefix;
  int bits;
  AddressClass kind;
};

constexpr auto kNetworks = std::to_array<Network>({
    {0x00000000, 8, AddressClass::kForbidden},   // this network
    {0x0a000000, 8, AddressClass::kPrivate},     // 10/8
    {0x64400000, 10, AddressClass::kPrivate},    // 100.64/10, carriers
    {0x7f000000, 8, AddressClass::kPrivate},     // loopback
    {0xa9fe0000, 16, AddressClass::kForbidden},  // link-local
    {0xac100000, 12, AddressClass::kPrivate},    // 172.16/12
    {0xc0000000, 24, AddressClass::kForbidden},  // protocol assignments
    {0xc0a80000, 16, AddressClass::kPrivate},    // 192.168/16
    {0xc6120000, 15, AddressClass::kPrivate},    // benchmarks
    {0xe0000000, 3, AddressClass::kForbidden},   // multicast, reserved, broadcast
});

AddressClass class_of_v4(uint32_t address) {
  for (const Network& network : kNetworks) {
    if ((address ^ network.prefix) >> (32 - network.bits) == 0) return network.kind;
  }
  return AddressClass::kPublic;
}

uint32_t big_endian(const uint8_t* bytes) {
  return static_cast<uint32_t>(bytes[0]) << 24U | static_cast<uint32_t>(bytes[1]) << 16U | static_cast<uint32_t>(bytes[2]) << 8U | bytes[3];
}

AddressClass class_of_v6(const std::array<uint8_t, 16>& bytes) {
  constexpr std::array<uint8_t, 16> kLoopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  constexpr std::array<uint8_t, 12> kTranslated = {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0};
  if (bytes == kLoopback) return AddressClass::kPrivate;
  if (std::memcmp(bytes.data(), kMapped.data(), 12) == 0 || std::memcmp(bytes.data(), kTranslated.data(), 12) == 0) return class_of_v4(big_endian(&bytes[12]));
  if (bytes[0] == 0x20 && bytes[1] == 0x02) return class_of_v4(big_endian(&bytes[2]));  // 6to4
  if ((bytes[0] & 0xfeU) == 0xfc) return AddressClass::kPrivate;                        // unique local
  // Global unicast is 2000::/3; link-local, multicast, unspecified and what is not assigned yet are elsewhere.
  return (bytes[0] & 0xe0U) == 0x20 ? AddressClass::kPublic : AddressClass::kForbidden;
}

}  // namespace

AddressClass class_of(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof(v4));
    return class_of_v4(ntohl(v4.sin_addr.s_addr));
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof(v6));
    std::array<uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return class_of_v6(bytes);
  }
  return AddressClass::kForbidden;
}

bool may_connect(AddressClass to, bool redirected, bool began_public) {
  if (to == AddressClass::kForbidden) return false;
  return to == AddressClass::kPublic || !redirected || !began_public;
}

}  // namespace ebb::registry
