// Whether a connection may be made to what a name was resolved to.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "io/asio.h"

namespace ebb::egress {

// Where a device of this machine is: its address, and how much of that is the network's. More bits than an address has: it is alone.
struct OwnNetwork {
  io::asio::ip::address address;
  int bits = 128;
};

// nullopt: yes, to each of them; else why not, as a clause. One address that is not public refuses all: whoever mixes them wants to be led astray.
// So does one of this machine, or of a network that it is in: neighbours may have public addresses, and believe themselves among friends. Pure.
std::optional<std::string> refusal_of(std::span<const io::asio::ip::tcp::endpoint> resolved, std::span<const OwnNetwork> own);

}  // namespace ebb::egress
