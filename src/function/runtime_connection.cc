// Beast's parser with our bounds around it.
#include "function/runtime_connection.h"

#include <sys/socket.h>

#include <cerrno>

#include "domain/limits.h"

namespace ebb::function {

namespace {

std::string_view view(io::beast::string_view text) { return {text.data(), text.size()}; }

io::http::response<io::http::string_body> response_of(int status, std::string body, const domain::HttpHeaders& headers, bool keep_alive) {
  io::http::response<io::http::string_body> response(static_cast<io::http::status>(status), 11);
  response.set(io::http::field::content_type, "application/json");
  for (const auto& [name, value] : headers)
    response.set(name, value);
  response.body() = std::move(body);
  response.keep_alive(keep_alive);
  response.prepare_payload();
  return response;
}

}  // namespace

RuntimeConnection::RuntimeConnection(io::TcpSocket socket) : socket_(std::move(socket)), buffer_(domain::kLambdaHeadBytesMax + 2 * domain::kBodyPieceBytesMax) {
  piece_.resize(domain::kBodyPieceBytesMax);
}

io::Task<bool> RuntimeConnection::read_head() {
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(domain::kLambdaHeadBytesMax));
  parser_->body_limit(boost::none);  // counted by whoever reads it
  io::ErrorCode error;
  co_await io::http::async_read_header(socket_, buffer_, *parser_, io::asio::redirect_error(io::use_awaitable, error));
  if (error) {
    goes_on_ = false;
    // A connection that just ends is no news.
    if (parser_->got_some() && error != io::http::error::partial_message) (void)co_await respond(400, "{}");
    co_return false;
  }
  head_ = io::http::request<io::http::buffer_body>(parser_->get().base());
  static_cast<io::http::fields&>(parser_->get().base()).clear();
  goes_on_ = parser_->keep_alive();
  if (io::beast::iequals(head_[io::http::field::expect], "100-continue")) {
    const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await io::asio::async_write(socket_, io::asio::const_buffer(go_on.data(), go_on.size()), io::asio::redirect_error(io::use_awaitable, error));
  }
  co_return true;
}

std::string_view RuntimeConnection::method() const { return view(head_.method_string()); }
std::string_view RuntimeConnection::target() const { return view(head_.target()); }
std::string RuntimeConnection::header(std::string_view name) const { return std::string(view(head_[io::beast::string_view(name.data(), name.size())])); }
std::string RuntimeConnection::trailer(std::string_view name) const {
  return std::string(view(parser_->get()[io::beast::string_view(name.data(), name.size())]));
}

io::Task<std::optional<std::string_view>> RuntimeConnection::read_piece() {
  while (!broke_off_ && !parser_->is_done()) {
    auto& body = parser_->get().body();
    body.data = piece_.data();
    body.size = piece_.size();
    io::ErrorCode error;
    co_await io::http::async_read_some(socket_, buffer_, *parser_, io::asio::redirect_error(io::use_awaitable, error));
    const size_t count = piece_.size() - parser_->get().body().size;
    // The parser says it once.
    broke_off_ = error && error != io::http::error::need_buffer;
    if (count > 0) co_return std::string_view(piece_.data(), count);
  }
  if (broke_off_) {
    goes_on_ = false;
    co_return std::nullopt;
  }
  co_return std::string_view();
}

io::Task<RuntimeConnection::Body> RuntimeConnection::read_body(size_t bytes_max) {
  Body body;
  for (uint64_t dropped = 0; dropped < domain::kLambdaStreamBytesMax;) {
    const std::optional<std::string_view> piece = co_await read_piece();
    if (!piece) co_return body;
    body.whole = piece->empty();
    if (body.whole) co_return body;
    body.too_large = body.too_large || body.bytes.size() + piece->size() > bytes_max;
    if (body.too_large) {
      dropped += piece->size();
    } else {
      body.bytes += *piece;
    }
  }
  goes_on_ = false;
  co_return body;
}

io::Task<bool> RuntimeConnection::respond(int status, std::string body, domain::HttpHeaders headers) {
  io::http::response<io::http::string_body> response = response_of(status, std::move(body), headers, goes_on_);
  io::ErrorCode error;
  co_await io::http::async_write(socket_, response, io::asio::redirect_error(io::use_awaitable, error));
  if (error) goes_on_ = false;
  co_return !error;
}

bool RuntimeConnection::is_alive() {
  char byte = 0;
  const ssize_t count = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return count > 0 || (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
}

void RuntimeConnection::close() {
  io::ErrorCode ignored;
  socket_.close(ignored);
}

}  // namespace ebb::function
