// getaddrinfo and getifaddrs.
#include "egress/resolver.h"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>

#include <bit>
#include <cstring>
#include <iterator>
#include <memory>
#include <numeric>

#include "domain/limits.h"

namespace ebb::egress {

namespace {

namespace ip = io::asio::ip;
using Endpoints = std::vector<ip::tcp::endpoint>;

constexpr int kBitsMax = 128;

ip::address address_of(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    return ip::address_v4(ntohl(v4.sin_addr.s_addr));
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, address, sizeof v6);
  ip::address_v6::bytes_type bytes{};
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return ip::address_v6(bytes);  // without a scope: link-local ones are refused anyway
}

// A mask names no family of its own.
int bits_of(sa_family_t family, const sockaddr* mask) {
  if (family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, mask, sizeof v4);
    return std::popcount(v4.sin_addr.s_addr);
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, mask, sizeof v6);
  return std::accumulate(std::begin(v6.sin6_addr.s6_addr), std::end(v6.sin6_addr.s6_addr), 0, [](int sum, uint8_t byte) { return sum + std::popcount(byte); });
}

Result<Endpoints> look_up(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list); error != 0)
    return fail(ErrorKind::kUnavailable, fmt::format("the name cannot be resolved: {}", ::gai_strerror(error)));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  Endpoints found;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    if (one->ai_family == AF_INET || one->ai_family == AF_INET6) found.emplace_back(address_of(one->ai_addr), port);
  }
  if (found.empty()) return fail(ErrorKind::kUnavailable, "the name has no address");
  return found;
}

Endpoints only(const ip::address& address, uint16_t port) { return {ip::tcp::endpoint(address, port)}; }

}  // namespace

Resolver::Resolver() : threads_(domain::kEgressLookupThreads) {}

io::Task<Result<Endpoints>> Resolver::resolve(std::string host, uint16_t port) {
  io::ErrorCode no_address;
  const ip::address literal = ip::make_address(host, no_address);
  if (!no_address) co_return only(literal, port);
  if (pending_ >= domain::kEgressLookupsMax) co_return fail(ErrorKind::kOverloaded, "too many names are being resolved");
  ++pending_;
  Result<Endpoints> found = co_await io::asio::co_spawn(
      threads_, [](std::string of, uint16_t at) -> io::PoolTask<Result<Endpoints>> { co_return look_up(of, at); }(host, port), io::use_awaitable);
  --pending_;
  co_return found;
}

std::vector<OwnNetwork> own_networks() {
  std::vector<OwnNetwork> all;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return all;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || (one->ifa_addr->sa_family != AF_INET && one->ifa_addr->sa_family != AF_INET6)) continue;
    all.push_back({.address = address_of(one->ifa_addr), .bits = one->ifa_netmask == nullptr ? kBitsMax : bits_of(one->ifa_addr->sa_family, one->ifa_netmask)});
  }
  return all;
}

}  // namespace ebb::egress
