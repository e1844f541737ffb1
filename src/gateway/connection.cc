// Reading heads and bodies, writing, and noticing that the client is gone. What is done with a request is in connection_serve.cc.
#include "gateway/connection.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "gateway/head_check.h"
#include "gateway/services.h"

namespace ebb::gateway {

namespace {

constexpr auto kAsTuple = io::asio::as_tuple(io::use_awaitable);
constexpr size_t kReadBytes = 64 * 1024;
// What a client may send ahead of its turn; past it its leaving is noticed only by the next write.
constexpr size_t kAheadBytesMax = 64 * 1024;
// A refused client that still sends gets this long to read the reason before the socket is cut.
constexpr milliseconds kLingerTime{2'000};

std::string_view view(const io::beast::flat_buffer& buffer) {
  const auto data = buffer.data();
  return {static_cast<const char*>(data.data()), data.size()};
}

bool is_this_machine(const io::asio::ip::address& peer) {
  if (!peer.is_v6() || !peer.to_v6().is_v4_mapped()) return peer.is_loopback();
  return io::asio::ip::make_address_v4(io::asio::ip::v4_mapped, peer.to_v6()).is_loopback();
}

io::Timer::time_point in(milliseconds time) { return io::Timer::clock_type::now() + time; }

}  // namespace

Connection::Connection(io::TcpSocket socket, std::shared_ptr<Services> services)
    : stream_(std::move(socket), services->options.tls == nullptr ? nullptr : services->options.tls->pair()),
      services_(std::move(services)),
      buffer_(services_->options.header_bytes_max + kAheadBytesMax + kReadBytes),
      reader_(services_->executor),
      deadline_(services_->executor) {
  io::ErrorCode ignored;
  io::TcpSocket& bare = stream_.socket();
  bare.set_option(io::asio::ip::tcp::no_delay(true), ignored);
  bare.non_blocking(true, ignored);
  const auto peer = bare.remote_endpoint(ignored);
  peer_is_local_ = !ignored && !services_->options.behind_proxy && is_this_machine(peer.address());
  services_->connections.insert(this);
}

Connection::~Connection() { services_->connections.erase(this); }

void Connection::close() {
  gone();
  wake_reader();
  stream_.close();
}

void Connection::finish() {
  if (!serving_) close();
}

io::Task<void> Connection::run(std::shared_ptr<Connection> self) {
  bool open = true;
  if (self->stream_.is_tls()) open = co_await self->shake_hands();
  while (open) {
    Head head = co_await self->read_head();
    if (head.closed) break;
    self->serving_ = true;
    open = co_await self->serve(std::move(head));
    self->serving_ = false;
    if (self->buffer_.size() == 0) self->buffer_.shrink_to_fit();  // idle connections hold no buffers
  }
  if (!self->left_) co_await self->linger();
  self->stream_.close();  // the wait for it holds the connection
}

void Connection::end_after(milliseconds time) {
  deadline_.expires_after(time);
  deadline_.async_wait([weak = weak_from_this()](io::ErrorCode cancelled) {
    const auto self = weak.lock();
    if (cancelled || !self || self->deadline_.expiry() > io::Timer::clock_type::now()) return;
    self->close();
  });
}

// Whether requests can follow.
io::Task<bool> Connection::shake_hands() {
  using Shake = io::ServerStream::Shake;
  end_after(services_->options.handshake_time_max);
  Shake shake = stream_.shake_hands();
  while (!left_ && (shake == Shake::kNeedsBytes || shake == Shake::kNeedsRoom)) {
    const auto what = shake == Shake::kNeedsBytes ? io::asio::socket_base::wait_read : io::asio::socket_base::wait_write;
    const auto [failed] = co_await stream_.socket().async_wait(what, kAsTuple);
    if (failed && !left_) close();
    if (!left_) shake = stream_.shake_hands();
  }
  deadline_.expires_at(io::Timer::time_point::max());
  if (shake == Shake::kFailed) log_debug("a client's TLS handshake failed", {{"reason", stream_.trouble()}});
  wants_tls_ = shake == Shake::kPlainHttp;
  co_return !left_ && shake != Shake::kFailed;
}

// What is wrong with the part of a head that has come so far.
std::optional<Refusal> Connection::judge_head(size_t seen) const {
  const std::string_view bytes = view(buffer_);
  if (wants_tls_ && !bytes.empty()) return refuse(400, ErrorKind::kInvalid, "this port speaks HTTPS, and the request came without TLS: use https://");
  if (seen == 0 && !bytes.empty()) {
    if (auto refusal = check_first_byte(bytes.front())) return refusal;
  }
  // A line that ends with a bare LF will never end as it must: without this, its sender would wait for the time-out.
  for (size_t at = bytes.find('\n', seen); at != std::string_view::npos; at = bytes.find('\n', at + 1)) {
    if (at == 0 || bytes[at - 1] != '\r') return refuse(400, ErrorKind::kInvalid, "a line of the request's head does not end with CR LF");
    if (at >= 3 && bytes.substr(at - 3, 4) == "\r\n\r\n") break;
  }
  return std::nullopt;
}

Refusal Connection::headers_too_large() const {
  return refuse(431, ErrorKind::kTooLarge, fmt::format("the request's headers have over {} bytes", services_->options.header_bytes_max));
}

Refusal Connection::body_too_large(size_t bytes_max) const { return refuse(413, ErrorKind::kTooLarge, fmt::format("the body has over {} bytes", bytes_max)); }

// What the end of reading means for a head of which `seen` bytes had come.
Connection::Head Connection::head_after(size_t seen) const {
  if (!end_ && !left_ && seen > 0) return {.refusal = refuse(408, ErrorKind::kTimeout, "the request's headers came too slowly")};
  return {.closed = true, .refusal = std::nullopt};
}

io::Task<Connection::Head> Connection::read_head() {
  const GatewayOptions& options = services_->options;
  Head head;
  size_t seen = 0;
  io::Timer::time_point late = in(buffer_.size() == 0 ? options.idle_time_max : options.header_time_max);
  for (;;) {
    head.refusal = judge_head(seen);
    if (head.refusal) break;
    const size_t end = view(buffer_).find("\r\n\r\n", seen < 3 ? 0 : seen - 3);
    if (end != std::string_view::npos) head.bytes = end + 4;
    seen = buffer_.size();
    if (std::max(head.bytes, end == std::string_view::npos ? seen : 0) > options.header_bytes_max) head.refusal = headers_too_large();
    if (head.refusal || head.bytes > 0) break;
    const bool came = co_await more(late);
    if (!came) {
      head = head_after(seen);
      break;
    }
    if (seen == 0) late = in(options.header_time_max);
  }
  co_return head;
}

template <class AnyParser>
io::Task<io::ErrorCode> Connection::parse_some(AnyParser& parser, io::Timer::time_point late) {
  for (;;) {
    io::ErrorCode error = io::http::error::need_more;
    if (buffer_.size() > 0) buffer_.consume(parser.put(buffer_.data(), error));
    if (error != io::http::error::need_more) co_return error;
    if (buffer_.size() + kReadBytes > buffer_.max_size()) co_return io::http::error::buffer_overflow;
    const bool came = co_await more(late);
    if (came) continue;
    error = end_ ? end_ : io::ErrorCode(io::asio::error::timed_out);
    if (error == io::asio::error::eof) parser.put_eof(error);
    co_return error;
  }
}

std::optional<Refusal> Connection::body_problem(const io::ErrorCode& error, const Parser& parser, size_t bytes_max) {
  const std::string so_far = parser.content_length() ? fmt::format("{} of {} declared bytes came", parser.get().body().size(), *parser.content_length())
                                                     : fmt::format("{} bytes came", parser.get().body().size());
  if (error == io::http::error::body_limit) return body_too_large(bytes_max);
  if (error == io::asio::error::timed_out) return refuse(408, ErrorKind::kTimeout, "the body came too slowly, or is smaller than declared: " + so_far);
  if (error == io::http::error::partial_message) return refuse(400, ErrorKind::kInvalid, "the body ended too early: " + so_far);
  if (error.category() == io::http::make_error_code(io::http::error::bad_chunk).category())
    return refuse(400, ErrorKind::kInvalid, "the body is malformed: " + error.message());
  gone();
  return std::nullopt;
}

io::Task<std::optional<Refusal>> Connection::read_body(Parser& parser, bool expects_continue, size_t bytes_max) {
  parser.body_limit(bytes_max);
  if (parser.is_done()) co_return std::nullopt;
  if (expects_continue && buffer_.size() == 0) {
    const bool written = co_await write("HTTP/1.1 100 Continue\r\n\r\n");
    if (!written) co_return std::nullopt;
  }
  const io::Timer::time_point late = in(services_->options.body_time_max);
  parser.eager(true);
  while (!parser.is_done()) {
    const io::ErrorCode error = co_await parse_some(parser, late);
    if (error) co_return body_problem(error, parser, bytes_max);
  }
  co_return std::nullopt;
}

// What the end of a read means for whoever reads the body.
BodyPiece Connection::piece_after(const io::ErrorCode& error, std::string data) {
  BodyPiece piece{.data = std::move(data)};
  if (!error || error == io::http::error::need_buffer) {
    if (pieces_->is_done()) piece.end = BodyPiece::End::kLast;
    return piece;
  }
  piece.end = BodyPiece::End::kBroken;
  if (reading_stopped_ || left_) {
    piece.end = BodyPiece::End::kGone;
  } else if (error == io::http::error::body_limit) {
    piece.error = {.kind = ErrorKind::kTooLarge, .message = fmt::format("the body has over {} bytes", domain::kFunctionBodyBytesMax)};
  } else if (error == io::asio::error::timed_out) {
    piece.error = {.kind = ErrorKind::kTimeout, .message = "the body came too slowly, or is smaller than declared"};
  } else if (error.category() == io::http::make_error_code(io::http::error::bad_chunk).category() && error != io::http::error::partial_message) {
    piece.error = {.kind = ErrorKind::kInvalid, .message = "the body is malformed: " + error.message()};
  } else {
    piece.end = BodyPiece::End::kGone;
    close();
  }
  return piece;
}

io::Task<BodyPiece> Connection::read_piece() {
  if (continue_owed_ && buffer_.size() == 0) {
    const bool written = co_await write("HTTP/1.1 100 Continue\r\n\r\n");
    if (!written) co_return piece_after(io::asio::error::eof, {});
  }
  continue_owed_ = false;
  std::string data(domain::kBodyPieceBytesMax, '\0');
  auto& body = pieces_->get().body();
  body.data = data.data();
  body.size = data.size();
  body.more = true;
  const io::ErrorCode error = co_await parse_some(*pieces_, in(services_->options.body_time_max));
  data.resize(data.size() - body.size);
  co_return piece_after(error, std::move(data));
}

bool Connection::stop_reading() {
  reading_stopped_ = true;
  wake_reader();
  return !has_pieces();
}

io::Task<bool> Connection::write(std::string bytes) {
  if (left_) co_return false;
  // Nearly always the kernel takes all of it at once, and there is nothing to wait for.
  io::ErrorCode failed;
  const size_t taken = bytes.empty() ? 0 : stream_.write_some(io::asio::buffer(bytes), failed);
  if (taken == bytes.size()) co_return true;
  if (failed == io::asio::error::would_block) failed = {};
  // The time is for each part: who reads, however slowly, gets all.
  for (size_t done = taken; !failed && done < bytes.size();) {
    end_after(services_->options.write_time_max);
    const auto [error, count] = co_await stream_.async_write_some(io::asio::buffer(bytes.data() + done, bytes.size() - done));
    done += count;
    failed = error;
    deadline_.expires_at(io::Timer::time_point::max());
  }
  if (failed) close();
  co_return !failed;
}

// A close with unread bytes resets the connection, and the client never sees why: say that we are done, then read what it still
// sends for a moment.
io::Task<void> Connection::linger() {
  stream_.end_sending();
  const io::Timer::time_point late = in(kLingerTime);
  for (bool came = true; came;) {
    buffer_.clear();
    came = co_await more(late);
  }
}

io::Task<bool> Connection::more(io::Timer::time_point late) {
  const size_t before = buffer_.size();
  listen();
  reader_waits_ = listening_ && !reading_stopped_;
  while (reader_waits_ && buffer_.size() == before) {
    reader_.expires_at(late);
    const auto [cancelled] = co_await reader_.async_wait(kAsTuple);
    if (!cancelled || end_ || left_ || reading_stopped_) break;
  }
  reader_waits_ = false;
  co_return buffer_.size() > before;
}

void Connection::wake_reader() {
  if (reader_waits_) reader_.cancel();
}

void Connection::listen() {
  if (listening_ || end_ || left_ || buffer_.size() + kReadBytes > buffer_.max_size()) return;
  listening_ = true;
  stream_.when_readable([self = shared_from_this()](io::ErrorCode error) {
    self->listening_ = false;
    if (!error && !self->left_) self->take_bytes();
  });
}

// While a request is being answered, what comes is the client's next one, or its end.
void Connection::take_bytes() {
  char bytes[kReadBytes];
  io::ErrorCode error;
  const size_t count = stream_.read_some(io::asio::buffer(bytes), error);
  if (error == io::asio::error::would_block) error = {};
  buffer_.commit(io::asio::buffer_copy(buffer_.prepare(count), io::asio::buffer(bytes, count)));
  end_ = error;
  if (reader_waits_) {
    if (count == 0 && !error) listen();
    if (count > 0 || error) wake_reader();
  } else if (on_left_) {
    if (error) return close();
    if (buffer_.size() < kAheadBytesMax) listen();
  }
}

void Connection::watch(std::function<void()> left) {
  if (end_) close();
  if (left_) return left();
  on_left_ = std::move(left);
  if (buffer_.size() < kAheadBytesMax) listen();
}

void Connection::unwatch() { on_left_ = nullptr; }

void Connection::gone() {
  left_ = true;
  if (on_left_) std::exchange(on_left_, nullptr)();
}

}  // namespace ebb::gateway
