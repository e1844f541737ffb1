// A client's connection as its server has it: TCP, plain or with TLS, behind the same few verbs. None of them blocks.
//
// TLS is OpenSSL's, which reads and writes the socket itself; what it lacks, bytes or room for some, is waited for at the socket. Nothing is kept between two
// calls but what OpenSSL keeps, and a plain connection costs what its socket costs.
//
// Lives on one loop, and longer than what is awaited of it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "io/asio.h"
#include "io/tls.h"

struct ssl_st;

namespace ebb::io {

class ServerStream {
 public:
  // `pair` nullptr: plain. Else nothing but shake_hands may be called until that is done. The socket must not block.
  ServerStream(TcpSocket socket, const std::shared_ptr<const TlsPair>& pair);

  bool is_tls() const { return ssl_ != nullptr; }
  TcpSocket& socket() { return socket_; }

  enum class Shake {
    kDone,
    kNeedsBytes,  // to be called again when the socket can be read …
    kNeedsRoom,   // … or written
    kPlainHttp,   // the client speaks HTTP without TLS: so does this from now on, and nothing that came is lost
    kFailed       // the client was told, if it could be; what else comes means nothing: this is plain from now on
  };
  Shake shake_hands();
  // Why it failed.
  const std::string& trouble() const { return trouble_; }

  // What is there. 0 with would_block, with eof (the client has said that it sends no more), or with what broke: without TLS's own end it is a reset.
  size_t read_some(asio::mutable_buffer into, ErrorCode& error);
  // Calls `handler(ErrorCode)` on the loop, never from inside, once read_some may have something.
  template <class Handler>
  void when_readable(Handler&& handler) {
    if (!ssl_) return socket_.async_wait(asio::socket_base::wait_read, std::forward<Handler>(handler));
    if (!has_more()) return socket_.async_wait(read_needs_room_ ? asio::socket_base::wait_write : asio::socket_base::wait_read, std::forward<Handler>(handler));
    asio::post(socket_.get_executor(), [this, handler = std::forward<Handler>(handler)]() mutable {
      handler(socket_.is_open() ? ErrorCode() : ErrorCode(asio::error::operation_aborted));
    });
  }

  // What there is room for: less than all of it comes with would_block, or with what broke.
  size_t write_some(asio::const_buffer from, ErrorCode& error);
  // Waits for room, then the same. What was begun must go on with the same bytes. One at a time.
  Task<std::tuple<ErrorCode, size_t>> async_write_some(asio::const_buffer from);

  // Tells the client that nothing more comes.
  void end_sending();
  void close();

 private:
  struct Free {
    void operator()(ssl_st* ssl) const;
  };
  bool has_more() const;
  ErrorCode error_of(int returned);
  Task<std::tuple<ErrorCode, size_t>> write_when_ready(asio::const_buffer from);

  TcpSocket socket_;
  std::unique_ptr<ssl_st, Free> ssl_;  // nullptr: plain
  bool greeted_ = false;
  bool read_needs_room_ = false;  // an answer of TLS's own is to go out first
  bool broken_ = false;
  ErrorCode read_end_ = {};  // came behind the last bytes
  std::string trouble_;
};

}  // namespace ebb::io
