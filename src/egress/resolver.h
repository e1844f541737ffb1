// Names to addresses by the system's own resolver, on threads beside the loop, at most so many at once.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "io/asio.h"

namespace ebb::egress {

class Resolver {
 public:
  Resolver();

  // All addresses of a name, or the one that `host` is. kOverloaded: too many are being looked up. kUnavailable: what the resolver said.
  io::Task<Result<std::vector<io::asio::ip::tcp::endpoint>>> resolve(std::string host, uint16_t port);

 private:
  io::asio::thread_pool threads_;
  int pending_ = 0;
};

// The addresses of this machine's own devices, now.
std::vector<io::asio::ip::address> own_addresses();

}  // namespace ebb::egress
