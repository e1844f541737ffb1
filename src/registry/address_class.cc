// From a socket's address to the tables of domain/address.h.
#include "registry/address_class.h"

#include <netinet/in.h>

#include <cstring>

#include "domain/address.h"

namespace ebb::registry {

namespace {

AddressClass class_of(const domain::AddressBytes& address) {
  switch (domain::use_of(address).kind) {
    case domain::AddressKind::kPublic: return AddressClass::kPublic;
    case domain::AddressKind::kPrivate: return AddressClass::kPrivate;
    case domain::AddressKind::kNever: break;
  }
  return AddressClass::kForbidden;
}

}  // namespace

AddressClass class_of(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof(v4));
    return class_of(domain::address_of_v4(ntohl(v4.sin_addr.s_addr)));
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof(v6));
    domain::AddressBytes bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return class_of(bytes);
  }
  return AddressClass::kForbidden;
}

bool may_connect(AddressClass to, bool redirected, bool began_public) {
  if (to == AddressClass::kForbidden) return false;
  return to == AddressClass::kPublic || !redirected || !began_public;
}

}  // namespace ebb::registry
