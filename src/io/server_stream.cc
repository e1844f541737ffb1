// OpenSSL over a socket that does not block.
// Compiled alone: names of OpenSSL's are macros.
#include "io/server_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/check.h"

namespace ebb::io {

namespace {

constexpr auto kAsTuple = asio::as_tuple(use_awaitable);

bool begins_a_method(char c) { return c >= 'A' && c <= 'Z'; }  // a handshake begins with 22

}  // namespace

void ServerStream::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }

ServerStream::ServerStream(TcpSocket socket, const std::shared_ptr<const TlsPair>& pair) : socket_(std::move(socket)) {
  if (!pair) return;
  ssl_.reset(SSL_new(pair->context()));
  EBB_CHECK(ssl_ != nullptr && SSL_set_fd(ssl_.get(), socket_.native_handle()) == 1);
  SSL_set_accept_state(ssl_.get());
}

ServerStream::Shake ServerStream::shake_hands() {
  char first = 0;
  if (!greeted_) {
    const ssize_t count = ::recv(socket_.native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return Shake::kNeedsBytes;
    if (count <= 0) trouble_ = "the client left";
    greeted_ = count > 0;
  }
  if (greeted_ && !begins_a_method(first)) {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_.get());
    if (done == 1) return Shake::kDone;
    const int why = SSL_get_error(ssl_.get(), done);
    if (why == SSL_ERROR_WANT_READ) return Shake::kNeedsBytes;
    if (why == SSL_ERROR_WANT_WRITE) return Shake::kNeedsRoom;
    const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
    trouble_ = reason != nullptr ? reason : "the client left";
  }
  ssl_.reset();
  return trouble_.empty() ? Shake::kPlainHttp : Shake::kFailed;
}

bool ServerStream::has_more() const { return read_end_ || SSL_pending(ssl_.get()) > 0; }

// What a call that did not succeed means to whoever called.
ErrorCode ServerStream::error_of(int returned) {
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return asio::error::would_block;
    case SSL_ERROR_ZERO_RETURN: return asio::error::eof;
    default: broken_ = true; return asio::error::connection_reset;
  }
}

size_t ServerStream::read_some(asio::mutable_buffer into, ErrorCode& error) {
  if (!ssl_) return socket_.read_some(into, error);
  error = std::exchange(read_end_, {});
  size_t done = 0;
  // Whole records are followed by more, as a rule; after less there is nearly always nothing.
  while (!error && done < into.size() && done % SSL3_RT_MAX_PLAIN_LENGTH == 0) {
    size_t count = 0;
    ERR_clear_error();
    const int returned = SSL_read_ex(ssl_.get(), static_cast<char*>(into.data()) + done, into.size() - done, &count);
    read_needs_room_ = returned != 1 && SSL_want_write(ssl_.get());
    if (returned != 1) error = error_of(returned);
    done += count;
  }
  if (done > 0 && error) {
    if (error != asio::error::would_block) read_end_ = error;
    error = {};
  }
  return done;
}

size_t ServerStream::write_some(asio::const_buffer from, ErrorCode& error) {
  if (!ssl_) return socket_.write_some(from, error);
  error = {};
  size_t done = 0;
  while (!error && done < from.size()) {
    size_t count = 0;
    ERR_clear_error();
    const int returned = SSL_write_ex(ssl_.get(), static_cast<const char*>(from.data()) + done, from.size() - done, &count);
    if (returned != 1) error = error_of(returned);
    done += count;
  }
  // Nothing of ours makes a write wait for bytes: a client that brings that about does so for ever.
  if (error == asio::error::would_block && !SSL_want_write(ssl_.get())) error = asio::error::connection_reset;
  return done;
}

Task<std::tuple<ErrorCode, size_t>> ServerStream::async_write_some(asio::const_buffer from) {
  if (!ssl_) return socket_.async_write_some(asio::const_buffer(from), kAsTuple);
  return write_when_ready(from);
}

Task<std::tuple<ErrorCode, size_t>> ServerStream::write_when_ready(asio::const_buffer from) {
  ErrorCode error = asio::error::would_block;
  size_t done = 0;
  while (done == 0 && error == asio::error::would_block) {
    const auto [failed] = co_await socket_.async_wait(asio::socket_base::wait_write, kAsTuple);
    error = failed;
    if (!error && !ssl_) error = asio::error::operation_aborted;  // closed meanwhile
    if (!error) done = write_some(from, error);
  }
  if (error == asio::error::would_block) error = {};
  co_return std::tuple(error, done);
}

void ServerStream::end_sending() {
  ERR_clear_error();
  if (ssl_ && !broken_) SSL_shutdown(ssl_.get());
  ErrorCode ignored;
  socket_.shutdown(TcpSocket::shutdown_send, ignored);
}

void ServerStream::close() {
  ssl_.reset();  // it knows the socket by a number that another may have soon
  ErrorCode ignored;
  socket_.close(ignored);
}

}  // namespace ebb::io
