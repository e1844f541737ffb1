// The two tables.
#include "domain/address.h"

#include <algorithm>

namespace ebb::domain {

namespace {

using enum AddressKind;

struct Network {
  AddressBytes prefix;
  int bits;
  AddressUse use;
};

constexpr AddressBytes v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) { return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}; }
constexpr AddressBytes v6(uint16_t first, uint16_t second = 0, uint16_t third = 0) {
  const auto high = [](uint16_t word) { return static_cast<uint8_t>(word >> 8U); };
  const auto low = [](uint16_t word) { return static_cast<uint8_t>(word & 0xffU); };
  return {high(first), low(first), high(second), low(second), high(third), low(third)};
}
constexpr int kV4 = 96;  // bits before those of IPv4

// The first that fits counts.
constexpr auto kNetworks = std::to_array<Network>({
    {v4(0, 0, 0, 0), kV4 + 8, {kNever, "this network (RFC 791)"}},
    {v4(10, 0, 0, 0), kV4 + 8, {kPrivate, "a private network (RFC 1918)"}},
    {v4(100, 64, 0, 0), kV4 + 10, {kPrivate, "a carrier's shared network (RFC 6598)"}},
    {v4(127, 0, 0, 0), kV4 + 8, {kPrivate, "loopback (RFC 1122)"}},
    // Not in the registry: an address of its public space at which Azure's hosts answer their guests.
    {v4(168, 63, 129, 16), kV4 + 32, {kNever, "the host of an Azure machine"}},
    {v4(169, 254, 0, 0), kV4 + 16, {kNever, "link-local, where clouds keep their metadata (RFC 3927)"}},
    {v4(172, 16, 0, 0), kV4 + 12, {kPrivate, "a private network (RFC 1918)"}},
    {v4(192, 0, 0, 0), kV4 + 24, {kNever, "for protocol assignments (RFC 6890)"}},
    {v4(192, 0, 2, 0), kV4 + 24, {kNever, "for documentation (RFC 5737)"}},
    {v4(192, 88, 99, 0), kV4 + 24, {kNever, "the old 6to4 relay (RFC 7526)"}},
    {v4(192, 168, 0, 0), kV4 + 16, {kPrivate, "a private network (RFC 1918)"}},
    {v4(198, 18, 0, 0), kV4 + 15, {kPrivate, "for benchmarks (RFC 2544)"}},
    {v4(198, 51, 100, 0), kV4 + 24, {kNever, "for documentation (RFC 5737)"}},
    {v4(203, 0, 113, 0), kV4 + 24, {kNever, "for documentation (RFC 5737)"}},
    {v4(224, 0, 0, 0), kV4 + 4, {kNever, "multicast (RFC 5771)"}},
    {v4(240, 0, 0, 0), kV4 + 4, {kNever, "reserved (RFC 1112) or broadcast (RFC 919)"}},
    {v4(0, 0, 0, 0), kV4, {kPublic, "public"}},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, {kPrivate, "loopback (RFC 4291)"}},
    {{}, 128, {kNever, "unspecified (RFC 4291)"}},
    // Teredo, ORCHID, benchmarks and the rest of 2001::/23: none is an ordinary host.
    {v6(0x2001), 23, {kNever, "for protocol assignments, Teredo among them (RFC 2928)"}},
    {v6(0x2001, 0x0db8), 32, {kNever, "for documentation (RFC 3849)"}},
    {v6(0x3fff), 20, {kNever, "for documentation (RFC 9637)"}},
    {v6(0xfc00), 7, {kPrivate, "unique-local (RFC 4193)"}},
    {v6(0xfe80), 10, {kNever, "link-local (RFC 4291)"}},
    {v6(0xff00), 8, {kNever, "multicast (RFC 4291)"}},
    {v6(0x2000), 3, {kPublic, "public"}},
    {{}, 0, {kNever, "not in the space of global unicast (RFC 4291)"}},
});

constexpr AddressBytes kNat64 = v6(0x0064, 0xff9b);
constexpr AddressBytes k6to4 = v6(0x2002);

bool is_in(const AddressBytes& address, const AddressBytes& prefix, int bits) {
  const auto whole = static_cast<size_t>(bits / 8);
  if (!std::equal(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(whole), prefix.begin())) return false;
  return bits % 8 == 0 || (address[whole] ^ prefix[whole]) >> (8 - bits % 8) == 0;
}

// What stands in four bytes of another address.
AddressBytes inner(const AddressBytes& address, size_t at) { return v4(address[at], address[at + 1], address[at + 2], address[at + 3]); }

}  // namespace

AddressBytes address_of_v4(uint32_t address) {
  const auto byte = [address](unsigned shift) { return static_cast<uint8_t>(address >> shift & 0xffU); };
  return v4(byte(24), byte(16), byte(8), byte(0));
}

AddressUse use_of(const AddressBytes& address) {
  if (is_in(address, kNat64, 96)) return use_of(inner(address, 12));
  if (is_in(address, k6to4, 16)) return use_of(inner(address, 2));
  return std::ranges::find_if(kNetworks, [&](const Network& network) { return is_in(address, network.prefix, network.bits); })->use;
}

}  // namespace ebb::domain
