// One connection of a function through the proxy: its two sockets, its time, and the passing of bytes. Private to the proxy.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "domain/limits.h"
#include "egress/asked.h"
#include "egress/proxy.h"
#include "io/beast.h"

namespace ebb::egress {

struct Connection {
  Connection(const io::Executor& executor, io::TcpSocket socket);

  void close();

  io::TcpSocket client;
  io::TcpSocket server;
  io::Timer time;         // closes it
  io::Timer answered;     // cancelled when nothing more comes back
  bool reaching = false;  // then time closes the server's side only, and the client is told
  bool all_came = false;
  bool spoke = false;  // it asked for something, if only for nonsense
  io::beast::flat_buffer buffer{domain::kEgressHeadBytesMax + domain::kEgressBufferBytes};
  std::optional<io::http::request_parser<io::http::empty_body>> head;
  Asked asked;
  Ended ended;
};

// From now on so long, then it is closed.
void limit_time(const ConnectionPtr& connection, milliseconds most);

// The answer of the proxy itself; `why` is a clause.
io::Task<void> refuse(ConnectionPtr connection, unsigned status, Ended::Outcome outcome, std::string why);

// Until both sides have no more.
io::Task<void> pass_tunnel(ConnectionPtr connection);
// The request as the server is to see it, its body by its framing and no byte beyond; back comes what comes, until the server closes.
io::Task<void> pass_request(ConnectionPtr connection);

}  // namespace ebb::egress
