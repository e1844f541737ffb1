// A port that is free, and its socket on the channel.
#include "function/way_out.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace ebb::function {

Result<uint16_t> open_way_out(Instance& instance, ServerLink& server) {
  const Result<Fd> socket = instance.listen(0);
  if (!socket) return fail(socket.error());
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket->get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return fail(errno_error("the port of its proxy", errno));
  server.egress(socket->get());
  return ntohs(address.sin_port);
}

}  // namespace ebb::function
