// What kind of place a network address is, and where a redirect may lead: a public server must not send the fetcher to what is
// reachable only from here.
#pragma once

#include <sys/socket.h>

namespace ebb::registry {

enum class AddressClass {
  kPublic,
  kPrivate,    // loopback, private, shared and unique-local networks: only where the owner named them
  kForbidden,  // link-local (where clouds keep their credentials), multicast, unspecified, other families: never
};

AddressClass class_of(const sockaddr* address);

// `redirected`: not the address that the owner named, but one that a server named. `began_public`: the owner's was public.
bool may_connect(AddressClass to, bool redirected, bool began_public);

}  // namespace ebb::registry
